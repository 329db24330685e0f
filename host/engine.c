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

enum fecit_status engine_open(struct engine *e, const char *folder, const char *device)
{
    enum fecit_status st;

    TRY(model_load(engine_folder(folder), &e->model));
    TRY(device_open(device, &e->device));
    TRY(sieve_open(e->device, &e->model->weights, &e->sieve));
    TRY(model_check(e->model, e->device, e->sieve));
    if (e->model->reader.there) {
        TRY(reader_open(e->device, &e->model->reader.weights, -1, &e->reader));
        TRY(model_reader_check(&e->model->reader, e->model->vocabulary,
                               &e->model->tokens, e->device, e->reader));
    }
done:
    if (st != FECIT_OK) engine_close(e);
    return st;
}

void engine_close(struct engine *e)
{
    sieve_close(e->sieve);
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
