#include "model_answers.h"

#include <math.h>
#include <string.h>

/* One answer: its text and its values. */
static enum fecit_status answer_read(struct model_answers *a, const struct tensors *f,
                                     struct json answer, const char *key,
                                     const char *values)
{
    enum fecit_status st;
    struct json value, number;
    const char *text;
    double x;
    size_t size;

    if (!json_get(answer, "text", &value) || !json_text(value, &text, &size) ||
        !json_get(answer, values, &value))
        FAIL(FECIT_E_MODEL, "%s: %s: number %u lacks text or %s", tensors_path(f), key,
             a->n, values);
    TRY(model_answers_push(a, text, size));
    for (size_t i = 0; i < FECIT_LABELS; i++) {
        if (!json_item(value, i, &number) || !json_number(number, &x))
            FAIL(FECIT_E_MODEL, "%s: %s: number %u has no four numbers under %s",
                 tensors_path(f), key, a->n - 1, values);
        a->items[a->n - 1].values[i] = (float)x;
    }
done:
    return st;
}

enum fecit_status model_answers_read(struct model_answers *a, const struct tensors *f,
                                     struct json_reader *json, const char *key,
                                     const char *values, double most)
{
    enum fecit_status st;
    const char *note;
    struct json root, answers, answer, value;
    double x;

    TRY(model_note(f, key, &note));
    TRY(model_json(f, json, key, note, &root));
    /* A wide tolerance would wave every device through. */
    if (!json_get(root, "tolerance", &value) || !json_number(value, &x) ||
        !(x > 0 && x <= most) || !json_get(root, "answers", &answers) ||
        json_count(answers) == 0)
        FAIL(FECIT_E_MODEL, "%s: %s is empty, or its tolerance is not between 0 and %g",
             tensors_path(f), key, most);
    a->tolerance = (float)x;
    while (a->n < MODEL_KNOWN && json_item(answers, a->n, &answer))
        TRY(answer_read(a, f, answer, key, values));
    if (a->n == 0) /* an object, say: nothing would be checked */
        FAIL(FECIT_E_MODEL, "%s: %s has no list of answers", tensors_path(f), key);
done:
    return st;
}

void model_answers_clear(struct model_answers *a)
{
    for (uint32_t i = 0; i < a->n; i++)
        mem_free(a->items[i].text);
    *a = (struct model_answers){0};
}

enum fecit_status model_answers_push(struct model_answers *a, const char *text,
                                     size_t size)
{
    enum fecit_status st = FECIT_OK;

    TRY_MEM(a->items[a->n].text = mem_text(text, size));
    a->n++;
done:
    return st;
}

enum fecit_status model_answers_pieces(const struct model_answers *a,
                                       const struct vocabulary *v,
                                       const struct tokens_options *options,
                                       model_answers_take *take, void *to)
{
    enum fecit_status st;
    struct tokens *tokens = NULL;
    struct token_list list = {0};

    TRY(tokens_new(v, options, &tokens));
    for (uint32_t i = 0; i < a->n; i++) {
        list.count = 0;
        TRY(tokens_push(tokens, a->items[i].text, strlen(a->items[i].text), &list,
                        NULL));
        take(to, list.ids, (uint32_t)list.count);
    }
done:
    token_list_clear(&list);
    tokens_free(tokens);
    return st;
}

enum fecit_status model_answers_compare(const struct model_answers *a, const float *got,
                                        size_t stride, const struct device *d,
                                        const char *stage, const char *what)
{
    enum fecit_status st = FECIT_OK;

    for (uint32_t i = 0; i < a->n; i++)
        for (int c = 0; c < FECIT_LABELS; c++) {
            const float want = a->items[i].values[c];
            const float is = got[i * stride + (size_t)c];
            if (!(fabsf(is - want) <= a->tolerance)) /* also when it is no number */
                FAIL(
                    FECIT_E_DEVICE,
                    "device %s computes wrongly: %s, known answer %u, %s of %s should "
                    "be %.5f, it says %.5f; update its driver or take another --device",
                    device_name(d), stage, i + 1, what,
                    fecit_label_name((enum fecit_label)c), (double)want, (double)is);
        }
done:
    return st;
}
