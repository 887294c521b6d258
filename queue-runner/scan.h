/*
 * Finding messages by reading directories, a slice at a time so that new mail
 * never waits for it: everything at start, again while a part of it could not be
 * read, then new/ every half minute.
 */
#ifndef QUEUE_RUNNER_SCAN_H
#define QUEUE_RUNNER_SCAN_H

#include <stdbool.h>

struct runner;
struct scan;

/* Begins with new/, queue/ and hold/. */
struct scan	*scan_new(struct runner *);
void		 scan_free(struct scan *);
/* Does the first one go on? */
bool		 scan_first(const struct scan *);

#endif
