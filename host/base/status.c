#include "status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char kept[1024];

enum fecit_status status_set(enum fecit_status code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(kept, sizeof kept, format, args);
    va_end(args);
    return code;
}

const char *status_text(void)
{
    return kept;
}

enum fecit_status status_prefix(enum fecit_status code, const char *format, ...)
{
    char old[sizeof kept];
    va_list args;
    size_t used;

    memcpy(old, kept, sizeof kept);
    va_start(args, format);
    vsnprintf(kept, sizeof kept, format, args);
    va_end(args);
    used = strlen(kept);
    snprintf(kept + used, sizeof kept - used, ": %s", old);
    return code;
}
