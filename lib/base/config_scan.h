/*
 * What libconfuse lets pass, caught before it: braces that do not match,
 * repeated keys, unknown keys (with the nearest valid one), ${VAR}, strings
 * and comments without an end.
 */
#ifndef BASE_CONFIG_SCAN_H
#define BASE_CONFIG_SCAN_H

#include "lib/base/buf.h"

/* 0, or -1 with a "FILE:LINE: reason" line for each finding in err. */
int	 config_scan(const char *file, const char *text, struct buf *err);

#endif
