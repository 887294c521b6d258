/*
 * How much may go to a remote destination at once, and when it may be tried
 * at all.  Pure: the time, monotonic milliseconds, is an argument.
 *
 *	OPEN	size jobs at once; one more for each that went well, half of
 *		it after each that failed on the way; after it has refused
 *		connections while others went well, one more a minute
 *	PAUSED	nothing until the pause is over
 *	PROBE	a single job: it opens the destination, or makes the next
 *		pause, twice as long
 */
#ifndef QUEUE_RUNNER_WINDOW_H
#define QUEUE_RUNNER_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#define WINDOW_START	3

enum window_state {
	WINDOW_OPEN,
	WINDOW_PAUSED,
	WINDOW_PROBE
};

struct window {
	unsigned int	 size;
	unsigned int	 max;		/* of size */
	unsigned int	 failures;	/* in a row: makes the pause */
	unsigned int	 ceiling;	/* it wanted no more than that, ... */
	int64_t		 ceiling_at;	/* ... then; 0: never said so */
	int64_t		 until;		/* of the pause; 0: open */
	int64_t		 went_well;	/* when one last did, or 0 */
	int64_t		 lifted;	/* when an admin last wanted a try */
};

void	 window_init(struct window *, unsigned int max);
enum window_state	 window_state(const struct window *, int64_t now);
/* Jobs that may be under way at once: 0 when paused. */
unsigned int	 window_jobs(const struct window *, int64_t now);

/* A job was done, whatever became of its recipients. */
void	 window_well(struct window *, int64_t now);
/* A job failed on the way, after the destination had been reached. */
void	 window_bad(struct window *);
/*
 * A job begun at began could not reach the destination, or it wanted nothing
 * to do with us.  True: it is paused, for first ms, then longer, up to last, unless
 * window_lift() came after the job began.
 * False: others are under way and one has gone well since, so it only takes
 * fewer at once than we tried; let another connection have this job.
 */
bool	 window_failed(struct window *, int64_t now, int64_t began,
	    unsigned int others, int64_t first, int64_t last);
/*
 * An admin wants it tried now: with a job under way already that is another one,
 * whatever becomes of the first.
 */
void	 window_lift(struct window *, int64_t now);

#endif
