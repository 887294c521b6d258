/* The lines of a listing of destinations: contract in queue_list.h. */
#include <string.h>

#include "lib/store/queue_list.h"
#include "lib/store/queue_words.h"

#define LEN(a)	(sizeof(a) / sizeof((a)[0]))

static const char *const	 state_names[] = {
	[QUEUE_DEST_OPEN] = "open",
	[QUEUE_DEST_PAUSED] = "paused",
	[QUEUE_DEST_PROBE] = "probe",
};

const char *
queue_dest_state_name(enum queue_dest_state state)
{
	return state_names[state];
}

int
queue_dest_format(const struct queue_dest *d, struct buf *out)
{
	size_t	 was = out->len;

	if (queue_put(out, "dest=", d->name) == 0 &&
	    buf_addf(out, " state=%s connections=%llu allowed=%llu "
	    "waiting=%llu deferred=%llu next=%lld", state_names[d->state],
	    (unsigned long long)d->connections,
	    (unsigned long long)d->allowed, (unsigned long long)d->waiting,
	    (unsigned long long)d->deferred, (long long)d->next) == 0 &&
	    queue_put(out, " code=", d->code) == 0 &&
	    queue_put(out, " host=", d->host) == 0 &&
	    queue_put(out, " reason=", d->reason) == 0 &&
	    buf_addc(out, '\n') == 0)
		return 0;
	buf_cut(out, was);
	return -1;
}

int
queue_dest_parse(struct slice line, struct queue_dest *d)
{
	uint64_t	 next;
	size_t		 state;

	memset(d, 0, sizeof(*d));
	if (queue_take(&line, "dest", d->name, sizeof(d->name)) == -1 ||
	    queue_take_name(&line, "state", state_names, LEN(state_names),
	    &state) == -1 ||
	    queue_take_number(&line, "connections", UINT64_MAX,
	    &d->connections) == -1 ||
	    queue_take_number(&line, "allowed", UINT64_MAX, &d->allowed) ==
	    -1 ||
	    queue_take_number(&line, "waiting", UINT64_MAX, &d->waiting) ==
	    -1 ||
	    queue_take_number(&line, "deferred", UINT64_MAX, &d->deferred) ==
	    -1 ||
	    queue_take_number(&line, "next", INT64_MAX, &next) == -1 ||
	    queue_take(&line, "code", d->code, sizeof(d->code)) == -1 ||
	    queue_take(&line, "host", d->host, sizeof(d->host)) == -1 ||
	    queue_take(&line, "reason", d->reason, sizeof(d->reason)) == -1 ||
	    line.len != 0 || d->name[0] == '\0')
		return queue_invalid();
	d->state = (enum queue_dest_state)state;
	d->next = (int64_t)next;
	return 0;
}
