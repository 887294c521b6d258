/*
 * Content that a loss of power never let reach the disk.
 *
 * A file in new/ has its name and its length before its fsync, and the file
 * system may bring both back without the content: such octets read as zeroes.
 * smtpd refuses NUL in a message, so one NUL tells.  Only files that no bell
 * announced need the look: the bell comes after the fsync.
 */
#ifndef STORE_TORN_H
#define STORE_TORN_H

#include "lib/store/envelope.h"

/* 1: a NUL is in the content; 0: none; -1 with errno. */
int	 torn_check(int fd, const struct envelope *);

#endif
