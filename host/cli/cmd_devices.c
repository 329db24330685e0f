/* cmd_devices.c -- fecit devices: what is there; fecit doctor: does it compute rightly. */
#include "../engine.h"
#include "../program.h"
#include "args.h"

#include <getopt.h>
#include <string.h>

static const char devices_help[] =
    "fecit devices\n"
    "\n"
    "Lists the OpenCL devices of this machine, each with the number by which --device\n"
    "(or $FECIT_DEVICE) names it. Without a choice the first GPU is taken, else the "
    "first\n"
    "device.\n"
    "Exit codes: 0 some are there, 3 none is.\n";

static const char doctor_help[] =
    "fecit doctor [--model DIR] [--device D]\n"
    "\n"
    "Looks after everything a run needs and says what is missing: the devices, the "
    "model\n"
    "files (whole, undamaged, belonging together), the kernels (built for each "
    "device), the\n"
    "known answers (recomputed on each device), the kernel cache.\n"
    "Exit codes: 0 all is well, 3 something is not.\n";

static const struct option long_options[] = {
    {"model", required_argument, NULL, 'm'},
    {"device", required_argument, NULL, 'd'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void print_device(uint32_t i, const struct device_info *d)
{
    printf(
        "%2u  %s\n    %s, driver %s\n    %s, %u units at %u MHz, %.1f GiB (%.1f GiB in "
        "one piece)%s\n",
        i, d->name, d->platform, d->driver,
        d->gpu   ? "GPU"
        : d->cpu ? "CPU"
                 : "accelerator",
        d->units, d->clock, (double)d->memory / 0x1p30, (double)d->largest / 0x1p30,
        d->fp16 ? ", fp16" : "");
}

int cmd_devices(int argc, char **argv)
{
    struct device_info *list = NULL;
    enum fecit_status st;
    uint32_t n = 0;
    int code;

    optind = 1;
    while ((code = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        if (code != 'h') return args_usage("devices", "takes no option but --help");
        fputs(devices_help, stdout);
        return EXIT_DONE;
    }
    if (optind < argc) return args_usage("devices", "takes no argument");
    st = device_list(&list, &n);
    for (uint32_t i = 0; i < n; i++)
        print_device(i, &list[i]);
    mem_free(list);
    return st == FECIT_OK ? EXIT_DONE : args_failed("devices", st);
}

/* "name ... good" or "name ... BAD: why"; true when good. */
static bool tell(const char *what, enum fecit_status st)
{
    if (st == FECIT_OK)
        printf("good  %s\n", what);
    else
        printf("BAD   %s\n      %s\n", what, status_text());
    return st == FECIT_OK;
}

static bool check_device(uint32_t i, const struct device_info *info,
                         const struct model *m)
{
    struct device *device = NULL;
    struct sieve *sieve = NULL;
    char number[16], what[256];
    bool good;

    snprintf(number, sizeof number, "%u", i);
    snprintf(what, sizeof what, "device %u, %s: opens", i, info->name);
    good = tell(what, device_open(number, &device));
    if (good && m) {
        snprintf(what, sizeof what, "device %u: the kernels build", i);
        good = tell(what, sieve_open(device, &m->weights, &sieve));
    }
    if (good && m) {
        snprintf(what, sizeof what, "device %u: %u known answers come out right", i,
                 m->known.n);
        good = tell(what, model_check(m, device, sieve));
    }
    sieve_close(sieve);
    device_close(device);
    return good;
}

int cmd_doctor(int argc, char **argv)
{
    const char *folder = NULL, *only = NULL, *cache;
    struct device_info *list = NULL;
    struct model *model = NULL;
    uint32_t n = 0;
    bool good;
    char what[1200];
    int code;

    optind = 1;
    while ((code = getopt_long(argc, argv, "h", long_options, NULL)) != -1)
        switch (code) {
        case 'h':
            fputs(doctor_help, stdout);
            return EXIT_DONE;
        case 'm':
            folder = optarg;
            break;
        case 'd':
            only = optarg;
            break;
        default:
            return args_usage("doctor", "unknown or incomplete option");
        }
    if (optind < argc) return args_usage("doctor", "takes no argument");
    snprintf(what, sizeof what, "model in %s", engine_folder(folder));
    good = tell(what, model_load(engine_folder(folder), &model));
    if (model)
        printf("      %u pieces, rows of %u, digest %.16s...\n",
               model->vocabulary->n_pieces, model->weights.dim, model->digest);
    if (!tell("OpenCL devices", device_list(&list, &n))) good = false;
    for (uint32_t i = 0; i < n; i++) {
        char number[16];
        snprintf(number, sizeof number, "%u", i);
        if (only && strcmp(only, number) && !strstr(list[i].name, only)) continue;
        if (!check_device(i, &list[i], model)) good = false;
    }
    cache = program_cache_folder();
    printf("      kernel cache: %s\n",
           cache ? cache : "none ($HOME is not set); kernels are built at every start");
    model_free(model);
    mem_free(list);
    return good ? EXIT_DONE : EXIT_REFUSED;
}
