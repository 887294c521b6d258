/* Contract in proto_spawn.h. */
#include <string.h>
#include <sys/stat.h>

#include "lib/base/io.h"
#include "lib/net/proto_spawn.h"

static const char	*const kinds[SPAWN_KINDS] = {
	[SPAWN_DELIVER] = "deliver",
	[SPAWN_POP3] = "pop3",
	[SPAWN_IMAP] = "imap",
};

static const char	*const statuses[] = {
	[SPAWN_OK] = "ok",
	[SPAWN_REFUSED] = "refused",
	[SPAWN_LATER] = "later",
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

const char *
proto_spawn_kind(enum spawn_kind kind)
{
	return kinds[kind];
}

static void
get_text(struct ipc_msg *m, const char *key, char *out, size_t size)
{
	struct buf	 b;

	buf_init(&b, size - 1);
	ipc_get_octets(m, key, &b);
	if (strlen(buf_cstr(&b)) != b.len)
		m->bad = true;
	memcpy(out, buf_cstr(&b), m->bad ? 0 : b.len);
	out[m->bad ? 0 : b.len] = '\0';
	buf_free(&b);
}

static void
get_ids(struct ipc_msg *m, uint32_t *uid, uint32_t *gid)
{
	uint64_t	 n;

	/* (uid_t)-1 means "leave as it is" to the kernel: never an id. */
	ipc_get_u64(m, "uid", UINT32_MAX - 1, &n);
	*uid = (uint32_t)n;
	ipc_get_u64(m, "gid", UINT32_MAX - 1, &n);
	*gid = (uint32_t)n;
}

void
proto_spawn_put_server(struct ipc_msg *m, uint64_t id,
    const struct spawn_server *s)
{
	ipc_start(m, "server", id);
	ipc_put(m, "kind", kinds[s->kind]);
	ipc_put_u64(m, "uid", s->uid);
	ipc_put_u64(m, "gid", s->gid);
}

int
proto_spawn_get_server(struct ipc_msg *m, struct spawn_server *s)
{
	ipc_expect(m, "server");
	s->kind = (enum spawn_kind)ipc_get_word(m, "kind", kinds, COUNT(kinds));
	get_ids(m, &s->uid, &s->gid);
	return ipc_end(m);
}

void
proto_spawn_put_home(struct ipc_msg *m, uint64_t id,
    const struct spawn_home *h)
{
	ipc_start(m, "home", id);
	ipc_put_octets(m, "path", slice_str(h->path));
	ipc_put_u64(m, "uid", h->uid);
	ipc_put_u64(m, "gid", h->gid);
}

int
proto_spawn_get_home(struct ipc_msg *m, struct spawn_home *h)
{
	ipc_expect(m, "home");
	get_text(m, "path", h->path, sizeof(h->path));
	get_ids(m, &h->uid, &h->gid);
	return ipc_end(m);
}

void
proto_spawn_put_answer(struct ipc_msg *m, const char *verb, uint64_t id,
    const struct spawn_answer *a)
{
	ipc_start(m, verb, id);
	ipc_put(m, "status", statuses[a->status]);
	ipc_put_octets(m, "text", slice_str(a->text));
	if (a->fd != -1)
		ipc_attach(m, a->fd);
}

int
proto_spawn_get_answer(struct ipc_msg *m, const char *verb,
    struct spawn_answer *a)
{
	struct stat	 st;

	a->fd = -1;
	ipc_expect(m, verb);
	a->status = (enum spawn_status)ipc_get_word(m, "status", statuses,
	    COUNT(statuses));
	get_text(m, "text", a->text, sizeof(a->text));
	if (a->status == SPAWN_OK && strcmp(verb, "server") == 0)
		a->fd = ipc_take_fd(m);
	if (a->fd != -1 && (fstat(a->fd, &st) == -1 || !S_ISSOCK(st.st_mode)))
		m->bad = true;
	if (ipc_end(m) == 0)
		return 0;
	io_close(a->fd);
	a->fd = -1;
	a->status = SPAWN_LATER;
	return -1;
}
