/*
 * The ledger of poison: which message is being parsed right now, and which ones
 * were when queue-runner died.  A small file, mapped shared: what is
 * noted outlives kill -9 without a system call a letter.  It does not
 * outlive a power loss, which no message causes.
 *
 *	queue/poison: slots of 32 octets, "ID COUNT" padded, LF.  The first is
 *	the message being parsed, the others are suspects.
 */
#ifndef QUEUE_RUNNER_POISON_H
#define QUEUE_RUNNER_POISON_H

#include <stdbool.h>

#define POISON_LIMIT	3	/* found this often: hold */

struct poison;

/*
 * Open or make the file in the directory queue/; a death noted there is
 * counted.  NULL with errno; EAGAIN: another queue-runner has this spool.
 */
struct poison	*poison_open(int queuefd);
void		 poison_close(struct poison *);

/*
 * Before anything of the message is parsed.  True: go on, and poison_end()
 * afterwards.  False: it was found POISON_LIMIT times, put it aside.
 */
bool		 poison_begin(struct poison *, const char *id);
void		 poison_end(struct poison *);
/* A whole try went well, or the message has gone: no suspect any more. */
void		 poison_clear(struct poison *, const char *id);

#endif
