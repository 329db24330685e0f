#include "engine.h"

#include <stdlib.h>
#include <unistd.h>

const char *engine_folder(const char *folder)
{
    const char *named = getenv("FECIT_MODEL");

    if (folder) return folder;
    if (named && *named) return named;
    return access("models/attribution.safetensors", R_OK) == 0 ? "models"
                                                               : FECIT_SHARE "/models";
}

/* The reader and the small encoder before it, as far as the model has them. */
static enum fecit_status readers_open(struct engine *e)
{
    enum fecit_status st = FECIT_OK;
    const struct model *m = e->model;
    const struct model_reader *r = &m->reader;

    if (r->there) {
        TRY(reader_open(e->device, &r->weights, -1, &e->reader));
        TRY(model_encoder_check(&r->known, m->vocabulary, &m->tokens, e->device,
                                "reader", e->reader));
    }
    if (r->middle.n_layers) {
        TRY(e->reader ? reader_open_beside(e->reader, &r->middle, &e->middle)
                      : reader_open(e->device, &r->middle, -1, &e->middle));
        TRY(model_encoder_check(&r->middle_known, m->vocabulary, &m->tokens, e->device,
                                "middle", e->middle));
    }
done:
    return st;
}

enum fecit_status engine_open(struct engine *e, const char *folder, const char *device)
{
    enum fecit_status st;

    TRY(model_load(engine_folder(folder), &e->model));
    TRY(device_open(device, &e->device));
    TRY(sieve_open(e->device, &e->model->weights, &e->sieve));
    TRY(model_check(e->model, e->device, e->sieve));
    TRY(readers_open(e));
done:
    if (st != FECIT_OK) engine_close(e);
    return st;
}

void engine_close(struct engine *e)
{
    sieve_close(e->sieve);
    reader_close(e->middle);
    reader_close(e->reader);
    device_close(e->device);
    model_free(e->model);
    *e = (struct engine){0};
}

void engine_label(uint32_t n_pieces, const float *p_class, float threshold,
                  enum fecit_label *label, float *p, float *out)
{
    static const float empty[FECIT_LABELS] = {1, 0, 0, 0};
    int best = FECIT_ASSERTED;

    if (n_pieces < ENGINE_LEAST) p_class = empty;
    for (int i = 0; i < FECIT_LABELS; i++)
        out[i] = p_class[i];
    *p = p_class[FECIT_ASSERTED] + p_class[FECIT_HEDGED] + p_class[FECIT_DENIED];
    for (int i = FECIT_HEDGED; i < FECIT_LABELS; i++)
        if (p_class[i] > p_class[best]) best = i;
    *label = *p >= threshold && n_pieces >= ENGINE_LEAST ? (enum fecit_label)best
                                                         : FECIT_NONE;
}
