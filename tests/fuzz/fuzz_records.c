/* fuzz_records.c -- any bytes as a result file: no crash, no hang, no memory by the
 * claim of a length. Seeds: the files of a results folder. Build and run:
 *   make BUILD=build/fuzz CC=clang CXX=clang++ OPT='-O1 -g' \
 *        SAN='-fsanitize=fuzzer-no-link,address,undefined' build/fuzz/libfecit.a
 *   clang++ -fsanitize=fuzzer,address,undefined -o fuzz_records \
 *        FUZZ.o build/fuzz/libfecit.a LIBS     (FUZZ.o: this file, the same flags)
 *   ./fuzz_records -max_total_time=60 SEEDS */
#include "fuzz.h"
#include "records.h"

static volatile uint64_t sum; /* so that every read happens */

static void touch(struct record value)
{
    struct record inner;

    sum += value.u + (uint64_t)value.i + (value.f > 0);
    for (size_t i = 0; i < value.size; i++)
        sum += (uint8_t)value.text[i];
    if (value.kind == RECORD_LIST || value.kind == RECORD_MAP)
        while (record_step(&value, &inner))
            touch(inner);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct records *file;
    struct record row, item;

    if (records_open(fuzz_file(data, size), &file) == FECIT_OK) {
        touch(records_header(file));
        while (records_next(file, &row) == FECIT_OK) {
            touch(row);
            sum += record_uint(row, "doc") + (record_number(row, "p") > 0);
            if (record_get(row, "p_class", &item)) record_item(item, 3, &row);
        }
    }
    records_close(file);
    return 0;
}
