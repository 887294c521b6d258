/*
 * The FIFO spool/trigger: smtpd writes the id of each message that it has
 * queued.  A bell, never a list: what it says is checked, and what it
 * forgets is found by scan.h.
 */
#ifndef QUEUE_RUNNER_BELL_H
#define QUEUE_RUNNER_BELL_H

struct bell;
struct runner;

/* Open it, made when it is missing.  NULL with errno. */
struct bell	*bell_new(struct runner *);
void		 bell_free(struct bell *);

#endif
