/* Contract in window.h. */
#include <string.h>

#include "queue-runner/window.h"

#define CEILING_MS	60000	/* until one more is tried */
#define LONG_AGO	1	/* an end of a pause: a probe may go */
#define CLOSE_ENOUGH	1000	/* ms: times of messages are whole seconds */

void
window_init(struct window *w, unsigned int max)
{
	memset(w, 0, sizeof(*w));
	w->max = max;
	w->size = max < WINDOW_START ? max : WINDOW_START;
}

enum window_state
window_state(const struct window *w, int64_t now)
{
	if (w->until == 0)
		return WINDOW_OPEN;
	return now + CLOSE_ENOUGH < w->until ? WINDOW_PAUSED : WINDOW_PROBE;
}

unsigned int
window_jobs(const struct window *w, int64_t now)
{
	switch (window_state(w, now)) {
	case WINDOW_OPEN:
		return w->size;
	case WINDOW_PROBE:
		return 1;
	case WINDOW_PAUSED:
		break;
	}
	return 0;
}

static unsigned int
window_most(const struct window *w, int64_t now)
{
	int64_t	 n;

	if (w->ceiling_at == 0)
		return w->max;
	n = w->ceiling + (now - w->ceiling_at) / CEILING_MS;
	return n < w->max ? (unsigned int)n : w->max;
}

void
window_well(struct window *w, int64_t now)
{
	if (w->until != 0)
		window_init(w, w->max);
	else if (w->size < window_most(w, now))
		w->size++;
	w->failures = 0;
	w->went_well = now;
}

void
window_bad(struct window *w)
{
	w->size = w->size < 2 ? 1 : w->size / 2;
}

bool
window_failed(struct window *w, int64_t now, int64_t began,
    unsigned int others, int64_t first, int64_t last)
{
	int64_t		 pause = first;
	unsigned int	 i;

	if (w->until == 0 && others > 0 && w->went_well != 0 &&
	    w->went_well >= began) {
		w->ceiling = others;
		w->ceiling_at = now;
		if (w->size > others)
			w->size = others;
		return false;
	}
	/* Others that were under way with it: one failure, one pause. */
	if (window_state(w, now) == WINDOW_PAUSED)
		return true;
	for (i = 0; i < w->failures && pause < last; i++)
		pause *= 2;
	if (pause > last)
		pause = last;
	w->failures++;
	w->until = w->lifted > began ? LONG_AGO : now + pause;
	w->size = 1;
	return true;
}

void
window_lift(struct window *w, int64_t now)
{
	w->lifted = now;
	if (w->until != 0)
		w->until = LONG_AGO;
}
