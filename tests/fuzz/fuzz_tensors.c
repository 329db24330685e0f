/* fuzz_tensors.c -- any bytes as a model file: refused, or every byte that it vouches
 * for can be read. Seeds: small .safetensors files. Built as fuzz_records.c. */
#include "fuzz.h"
#include "tensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tensors *t;

    if (tensors_load(fuzz_file(data, size), &t) == FECIT_OK) {
        uint32_t n;
        const struct tensor *all = tensors_all(t, &n);
        struct tensor found;
        char hex[65];
        tensors_digest(all, n, "_", hex);
        for (uint32_t i = 0; i < n; i++)
            if (tensors_find(t, all[i].name, all[i].type, all[i].rank, all[i].shape,
                             &found) != FECIT_OK ||
                found.data != all[i].data)
                abort();
    }
    tensors_free(t);
    return 0;
}
