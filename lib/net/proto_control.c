/* Contract in proto_control.h. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <bsd/string.h>

#include "lib/base/io.h"
#include "lib/net/proto_control.h"

static const char *const by_names[] = {
	[BY_ALL] = "all",
	[BY_ID] = "id",
	[BY_RECIPIENT] = "recipient",
	[BY_SENDER] = "sender",
	[BY_DOMAIN] = "domain",
};

/* Which fields a verb has. */
static const struct {
	const char	*name;
	bool		 which;		/* by value */
	const char	*text;		/* key of text, or NULL */
	bool		 fd;
} verbs[] = {
	[CONTROL_LIST] = { "list", true, NULL, true },
	[CONTROL_SHOW] = { "show", true, NULL, false },
	[CONTROL_RETRY] = { "retry", true, NULL, false },
	[CONTROL_HOLD] = { "hold", true, "reason", false },
	[CONTROL_RELEASE] = { "release", true, NULL, false },
	[CONTROL_REMOVE] = { "remove", true, NULL, false },
	[CONTROL_REROUTE] = { "reroute", true, "address", false },
	[CONTROL_DESTINATIONS] = { "destinations", false, NULL, true },
	[CONTROL_STATUS] = { "status", false, NULL, false },
};

#define NNAMES	(sizeof(by_names) / sizeof(by_names[0]))
#define NVERBS	(sizeof(verbs) / sizeof(verbs[0]))

/* An octets field that must be text and fit; makes the message bad if not. */
static void
proto_control_get_text(struct ipc_msg *m, const char *key, char *out,
    size_t size)
{
	struct buf	 b;

	buf_init(&b, size - 1);
	ipc_get_octets(m, key, &b);
	out[0] = '\0';
	if (memchr(buf_cstr(&b), '\0', b.len) != NULL)
		m->bad = true;
	else if (!m->bad)
		memcpy(out, buf_cstr(&b), b.len + 1);
	buf_free(&b);
}

static void
proto_control_get_by(struct ipc_msg *m, enum queue_by *by)
{
	char	 name[16];
	size_t	 i;

	ipc_get(m, "by", name, sizeof(name));
	for (i = 0; i < NNAMES; i++)
		if (strcmp(by_names[i], name) == 0) {
			*by = (enum queue_by)i;
			return;
		}
	m->bad = true;
}

void
proto_control_put_request(struct ipc_msg *m, uint64_t id,
    const struct control_request *r)
{
	ipc_start(m, verbs[r->verb].name, id);
	if (verbs[r->verb].which) {
		ipc_put(m, "by", by_names[r->which.by]);
		ipc_put_octets(m, "value", slice_str(r->which.value));
	}
	if (verbs[r->verb].text != NULL)
		ipc_put_octets(m, verbs[r->verb].text, slice_str(r->text));
	if (verbs[r->verb].fd)
		ipc_attach(m, r->fd);
}

int
proto_control_get_request(struct ipc_msg *m, struct control_request *r)
{
	size_t	 i;

	memset(r, 0, sizeof(*r));
	r->fd = -1;
	for (i = 0; i < NVERBS && strcmp(verbs[i].name, m->verb) != 0; i++)
		;
	if (i == NVERBS) {
		ipc_drop(m);
		errno = EBADMSG;
		return -1;
	}
	r->verb = (enum control_verb)i;
	if (verbs[i].which) {
		proto_control_get_by(m, &r->which.by);
		proto_control_get_text(m, "value", r->which.value,
		    sizeof(r->which.value));
	}
	if (verbs[i].text != NULL)
		proto_control_get_text(m, verbs[i].text, r->text,
		    sizeof(r->text));
	if (verbs[i].fd)
		r->fd = ipc_take_fd(m);
	if (ipc_end(m) == 0)
		return 0;
	io_close(r->fd);
	r->fd = -1;
	return -1;
}

void
proto_control_put_done(struct ipc_msg *m, uint64_t id, uint64_t count)
{
	ipc_start(m, "done", id);
	ipc_put_u64(m, "count", count);
}

int
proto_control_get_done(struct ipc_msg *m, uint64_t *count)
{
	ipc_expect(m, "done");
	ipc_get_u64(m, "count", UINT64_MAX, count);
	return ipc_end(m);
}

void
proto_control_put_error(struct ipc_msg *m, uint64_t id, const char *text)
{
	ipc_start(m, "error", id);
	ipc_put_octets(m, "text", slice_str(text));
}

int
proto_control_get_error(struct ipc_msg *m, char *text, size_t size)
{
	ipc_expect(m, "error");
	proto_control_get_text(m, "text", text, size);
	return ipc_end(m);
}

void
proto_control_put_shown(struct ipc_msg *m, uint64_t id,
    const struct control_shown *s)
{
	ipc_start(m, "shown", id);
	ipc_put_u64(m, "where", s->where);
	ipc_put_octets(m, "reason", slice_str(s->reason));
	ipc_attach(m, s->message);
	if (s->state != -1)
		ipc_attach(m, s->state);
}

int
proto_control_get_shown(struct ipc_msg *m, struct control_shown *s)
{
	uint64_t	 where;

	memset(s, 0, sizeof(*s));
	s->message = s->state = -1;
	ipc_expect(m, "shown");
	ipc_get_u64(m, "where", QUEUE_HOLD, &where);
	s->where = (enum queue_where)where;
	proto_control_get_text(m, "reason", s->reason, sizeof(s->reason));
	s->message = ipc_take_fd(m);
	if (m->taken < m->nfds)
		s->state = ipc_take_fd(m);
	if (ipc_end(m) == 0)
		return 0;
	io_close(s->message);
	io_close(s->state);
	s->message = s->state = -1;
	return -1;
}

static const struct {
	const char	*key;
	size_t		 offset;
} numbers[] = {
	{ "fresh", offsetof(struct control_status, fresh) },
	{ "deferred", offsetof(struct control_status, deferred) },
	{ "active", offsetof(struct control_status, active) },
	{ "hold", offsetof(struct control_status, hold) },
	{ "workers", offsetof(struct control_status, workers) },
	{ "connections", offsetof(struct control_status, connections) },
	{ "paused", offsetof(struct control_status, paused) },
	{ "uptime", offsetof(struct control_status, uptime) },
	{ "delivered", offsetof(struct control_status, delivered) },
	{ "bounced", offsetof(struct control_status, bounced) },
	{ "scanning", offsetof(struct control_status, scanning) },
	{ "authd", offsetof(struct control_status, authd) },
	{ "resolver", offsetof(struct control_status, resolver) },
	{ "remote", offsetof(struct control_status, remote) },
};

#define NNUMBERS	(sizeof(numbers) / sizeof(numbers[0]))

void
proto_control_put_numbers(struct ipc_msg *m, uint64_t id,
    const struct control_status *s)
{
	uint64_t	 v;
	size_t		 i;

	ipc_start(m, "numbers", id);
	for (i = 0; i < NNUMBERS; i++) {
		memcpy(&v, (const char *)s + numbers[i].offset, sizeof(v));
		ipc_put_u64(m, numbers[i].key, v);
	}
}

int
proto_control_get_numbers(struct ipc_msg *m, struct control_status *s)
{
	uint64_t	 v;
	size_t		 i;

	memset(s, 0, sizeof(*s));
	ipc_expect(m, "numbers");
	for (i = 0; i < NNUMBERS; i++) {
		ipc_get_u64(m, numbers[i].key, UINT64_MAX, &v);
		memcpy((char *)s + numbers[i].offset, &v, sizeof(v));
	}
	return ipc_end(m);
}
