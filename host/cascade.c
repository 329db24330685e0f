#include "cascade.h"

#include <math.h>
#include <string.h>

enum fecit_status cascade_pass(const struct model_reader *r, const char *lang,
                               double recall, float pass[2])
{
    enum fecit_status st = FECIT_OK;
    const struct model_curve *sieve = model_cascade_curve(&r->after_sieve, lang);
    const struct model_curve *middle = model_cascade_curve(&r->after_middle, lang);

    pass[0] = pass[1] = 0; /* without a curve all passes */
    if (recall <= 0) recall = CASCADE_RECALL;
    if (sieve) TRY(model_curve_point(sieve, recall, &pass[0]));
    if (middle) TRY(model_curve_point(middle, recall, &pass[1]));
done:
    return st;
}

enum fecit_status cascade_language(struct cascade *c, const char *lang)
{
    enum fecit_status st = FECIT_OK;

    if (c->known && !strncmp(c->lang, lang, sizeof c->lang - 1)) return FECIT_OK;

    TRY(cascade_pass(&c->engine->model->reader, lang, c->options.recall, c->pass));
    c->known = true;
    c->lang[0] = 0;
    strncat(c->lang, lang, sizeof c->lang - 1);
done:
    return st;
}

/* What a model without a reader wants. */
static enum fecit_status sieve_only(struct cascade *c)
{
    enum fecit_status st;

    if (c->options.no_sieve)
        FAIL(FECIT_E_USAGE,
             "--no-sieve needs a model with a reader; this one scores every sentence "
             "with its only stage, the sieve");
    TRY(model_threshold(c->engine->model, c->options.recall, &c->threshold));
done:
    return st;
}

static enum fecit_status both_stages(struct cascade *c)
{
    enum fecit_status st = FECIT_OK;
    const struct model *m = c->engine->model;
    const struct model_cascade *all = &m->reader.after_sieve;

    c->threshold = m->reader.threshold;
    /* That each reaches the recall; the small encoder's curves have the same languages. */
    for (uint32_t i = 0; i < all->n && !c->options.no_sieve; i++)
        TRY(cascade_language(c, all->steps[i].lang));
    TRY(verdict_tools_init(&c->tools, m));
done:
    return st;
}

enum fecit_status cascade_open(struct engine *e, const struct cascade_options *options,
                               struct cascade **out)
{
    enum fecit_status st = FECIT_OK;
    struct cascade *c = mem_new(1, sizeof *c);

    TRY_MEM(c);
    c->engine = e;
    c->options = *options;
    TRY(e->reader ? both_stages(c) : sieve_only(c));
    if (options->threshold > 0) c->threshold = (float)options->threshold;
    *out = c;
    c = NULL;
done:
    cascade_close(c);
    return st;
}

void cascade_close(struct cascade *c)
{
    if (!c) return;
    verdict_tools_clear(&c->tools);
    mem_free(c);
}

struct cascade_counts cascade_counts(const struct cascade *c)
{
    return c->counts;
}

double cascade_recall(const struct cascade *c)
{
    if (!c->engine->reader || c->options.no_sieve || c->options.recall > 0)
        return c->options.recall;
    return CASCADE_RECALL;
}

float cascade_threshold(const struct cascade *c)
{
    return c->threshold;
}

float cascade_middle_p(const float *heads)
{
    return 1 / (1 + expf(-heads[0]));
}
