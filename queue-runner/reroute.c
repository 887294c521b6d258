/* Contract in reroute.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "lib/mail/address.h"
#include "lib/store/state.h"
#include "queue-runner/message.h"
#include "queue-runner/reroute.h"

int
reroute_check(const char *text)
{
	struct address	 a;

	if (address_parse(slice_str(text), ADDRESS_UTF8, &a) != ADDRESS_OK ||
	    a.domain[0] == '\0')
		return -1;
	return 0;
}

static int
reroute_damaged(void)
{
	errno = EBADMSG;
	return -1;
}

/* The state as it is, or as a first try without aliases would make it. */
static int
reroute_load(struct runner *q, enum files_place place, const char *id,
    struct state *st)
{
	enum state_status	 status;
	struct envelope		 env;
	const char		*why;
	size_t			 i;
	int			 fd, rc;

	fd = files_open_state(&q->files, place, id, O_RDONLY);
	if (fd != -1) {
		status = state_read(fd, st, &why);
		close(fd);
		if (status == STATE_OK)
			return 0;
		if (status != STATE_PARTIAL)
			return reroute_damaged();
	}
	if ((fd = files_open_message(&q->files, place, id)) == -1)
		return -1;
	rc = envelope_read(fd, &env, &why) == ENVELOPE_OK ? 0 :
	    reroute_damaged();
	close(fd);
	if (rc == -1)
		return -1;
	st->arrived = env.arrived / 1000000;
	st->size = env.size;
	st->from = xstrdup(env.from);
	for (i = 0; i < env.nrcpts; i++)
		state_add(st, env.rcpts[i].address, env.rcpts[i].orcpt, NULL,
		    env.rcpts[i].notify)->expand = true;
	envelope_free(&env);
	return 0;
}

static bool
reroute_selected(const struct queue_selector *w, const char *address,
    bool sender_too)
{
	const char	*at = strrchr(address, '@');

	if (w->by == BY_RECIPIENT)
		return strcasecmp(address, w->value) == 0;
	if (w->by == BY_DOMAIN && !sender_too)
		return at != NULL && strcasecmp(at + 1, w->value) == 0;
	return true;
}

/* Change the recipients; how many. */
static size_t
reroute_change(struct state *st, const struct control_request *r)
{
	struct state_rcpt	*c;
	char			*orcpt;
	const char		*at = strrchr(st->from, '@');
	size_t			 i, n = 0;
	bool			 by_sender;

	/* A domain may have been that of the sender. */
	by_sender = r->which.by == BY_DOMAIN && at != NULL &&
	    strcasecmp(at + 1, r->which.value) == 0;
	for (i = 0; i < st->nrcpts; i++) {
		c = &st->rcpts[i];
		if (c->letter != STATE_PENDING ||
		    !reroute_selected(&r->which, c->address, by_sender))
			continue;
		if (n++ > 0) {
			/* One copy is enough. */
			c->letter = STATE_DONE;
			continue;
		}
		orcpt = expand_orcpt(c->orcpt, c->address);
		free(c->orcpt);
		c->orcpt = orcpt;
		free(c->address);
		c->address = xstrdup(r->text);
		c->expand = true;
	}
	return n;
}

static int
reroute_write(struct runner *q, enum files_place place, const char *id,
    struct state *st)
{
	char	 name[SPOOL_ID_LEN + 3];
	int	 dir, fd;

	if (place == PLACE_NEW) {
		if (files_to_queue(&q->files, id, false) == -1)
			return -1;
		place = PLACE_QUEUE;
	}
	if ((dir = files_get_dir(&q->files, place, id)) == -1)
		return -1;
	snprintf(name, sizeof(name), "%s.s", id);
	fd = state_create(dir, name, st, true);
	files_put_dir(&q->files, dir);
	io_close(fd);
	return fd == -1 ? -1 : 0;
}

int
reroute(struct runner *q, struct entry *e, enum files_place place,
    const char *id, const struct control_request *r)
{
	struct state	 st;
	size_t		 n;
	int		 rc = -1;

	state_init(&st);
	if (reroute_load(q, place, id, &st) == -1)
		goto out;
	errno = ENOENT;
	if ((n = reroute_change(&st, r)) == 0)
		goto out;
	rc = reroute_write(q, place, id, &st);
	/* Even if only the rename was done. */
	if (place == PLACE_NEW && files_find(&q->files, id, &place) == 0 &&
	    e != NULL)
		e->queued = place == PLACE_QUEUE;
	/* No scan looks into queue/ again. */
	if (e == NULL && place == PLACE_QUEUE)
		runner_add(q, id, true, true);
	if (rc == -1)
		goto out;
	log_info("event=rerouted id=%s to=%s rcpts=%zu", id, log_esc(r->text),
	    n);
	if (e != NULL) {
		e->dest = 0;
		runner_retry(q, e);
	}
out:
	state_free(&st);
	return rc;
}
