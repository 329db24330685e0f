/* tune.h -- how wide layers are cut for a device: tunables of kernels/linear_panel.cl and
 * linear_tiled.cl, kept per device and driver in tune.conf by `fecit bench --tune`. They change
 * how fast it goes, not what comes out. */
#ifndef TUNE_H
#define TUNE_H

#include "device.h"

struct tune {
    uint32_t panel_vector; /* floats of a vector: 4, 8, 16 */
    uint32_t panel_rows;   /* rows that a work-item keeps: 4, 6, 8, 12 */
    uint32_t tile_items;   /* edge of a work-group: 8, 16 */
    uint32_t tile_each;    /* outputs of an item in each direction: 2, 4, 8 */
    uint32_t tile_depth;   /* inputs at a time: 8, 16, 32 */
};

/* What suits most devices of this kind. */
struct tune tune_default(const struct device_info *d);

/* Every choice that fits any OpenCL 1.2 device's local memory, panels (`tiled` false) or
 * tiles: out [TUNE_CHOICES]; how many. The others stay as in `base`. */
#define TUNE_CHOICES 32
uint32_t tune_choices(const struct tune *base, bool tiled,
                      struct tune out[TUNE_CHOICES]);

/* $FECIT_TUNE, else tune.conf beside the kernel cache; NULL when there is no folder for it.
 * Static per thread. */
const char *tune_path(void);

/* What the file says of this device and driver, else the default; *found tells. FECIT_E_DEVICE
 * with the place when the file says what cannot be. */
enum fecit_status tune_find(const struct device_info *d, struct tune *out, bool *found);

/* Whether the file can be written: FECIT_E_OUTPUT, FECIT_E_DEVICE when it is no plain file. */
enum fecit_status tune_check(void);

/* Write it into the file; the lines of other devices and drivers stay. FECIT_E_OUTPUT. */
enum fecit_status tune_keep(const struct device_info *d, const struct tune *t);

#endif
