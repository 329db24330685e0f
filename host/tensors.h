/* tensors.h -- a safetensors file, read by mapping and written whole.
 * Source: https://github.com/huggingface/safetensors, "Format" (8-byte little-endian header
 * length, JSON header, data; offsets relative to the data). */
#ifndef TENSORS_H
#define TENSORS_H

#include "base/mem.h"

enum tensor_type {
    TENSOR_U8,
    TENSOR_I8,
    TENSOR_F16,
    TENSOR_I32,
    TENSOR_U32,
    TENSOR_F32
};
#define TENSOR_RANK 4
#define TENSORS_MAX 4096 /* tensors in a file, and notes; more is refused */

struct tensor {
    const char *name;
    enum tensor_type type;
    uint32_t rank;               /* 0..TENSOR_RANK */
    uint64_t shape[TENSOR_RANK]; /* outermost first */
    const void *data;            /* little-endian, C order, aligned to its type */
    uint64_t size;               /* bytes */
};

struct note { /* one entry of __metadata__ */
    const char *key, *value;
};

struct tensors;

/* Map `path` and check everything before any use: header length, JSON, types, shapes
 * against byte ranges, ranges in order, without overlap, and ending at the file's end.
 * FECIT_E_MODEL with place and next step otherwise.
 * Caller owns *out; gives it back with tensors_free(). */
enum fecit_status tensors_load(const char *path, struct tensors **out);
void tensors_free(struct tensors *t); /* NULL is fine */

/* The tensor `name` with this type and rank; shape[i] of 0 fits any size, else it must be
 * equal. FECIT_E_MODEL says what was expected and found. *out borrows from t. */
enum fecit_status tensors_find(const struct tensors *t, const char *name,
                               enum tensor_type type, uint32_t rank,
                               const uint64_t *shape, struct tensor *out);

/* All of them, in byte order of their names: for tensors_digest(). Borrows from t. */
const struct tensor *tensors_all(const struct tensors *t, uint32_t *n_tensors);

/* Metadata value, or NULL. Borrows from t. */
const char *tensors_note(const struct tensors *t, const char *key);
const char *tensors_path(const struct tensors *t);

/* Write a file (FECIT_E_OUTPUT; FECIT_E_USAGE when names repeat or a size does not match
 * its shape): to `path`.part, fsync, rename, fsync of the folder. Tensors are laid by
 * falling element size, then by name, so that each is aligned to its type without a hole
 * (the format allows none); the header is padded with spaces to 8 bytes. */
enum fecit_status tensors_save(const char *path, const struct tensor *tensors,
                               uint32_t n_tensors, const struct note *notes,
                               uint32_t n_notes);

/* sha256 (hex, 64 + NUL) over the bytes of all tensors but those whose name starts with
 * `skip` (NULL = none), in name order. */
void tensors_digest(const struct tensor *tensors, uint32_t n_tensors, const char *skip,
                    char hex[65]);

#endif
