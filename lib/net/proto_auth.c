/* Contract in proto_auth.h; the fields in doc/protocols.md. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bsd/string.h>

#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/mail/aliases.h"
#include "lib/net/proto_auth.h"
#include "lib/net/proto_auth_parts.h"

/* Three xtext fields, blanks and LF; more is not what authd writes. */
#define RESULT_MAX	(3 * (3 * ADDRESS_MAX + 1))

static const char	*const kinds[] = {
	[AUTH_USER] = "user",
	[AUTH_ALIAS] = "alias",
	[AUTH_RELAY] = "relay",
	[AUTH_REMOTE] = "remote",
	[AUTH_UNKNOWN] = "unknown",
	[AUTH_BROKEN] = "broken",
	[AUTH_TEMP] = "temp",
};

void
proto_auth_get_tag(struct ipc_msg *m, char *out, size_t size)
{
	size_t	 i;

	ipc_get_text(m, "tag", out, size);
	for (i = 0; out[i] != '\0'; i++)
		if (out[i] <= ' ' || out[i] > '~')
			m->bad = true;
	if (m->bad)
		out[0] = '\0';
}

size_t
proto_auth_get_ahead(struct ipc_msg *m, char *out)
{
	struct buf	 b;
	size_t		 len;

	buf_init(&b, AUTH_AHEAD_MAX);
	/* Its final size at once, and wiped: clients send passwords ahead. */
	if (buf_reserve(&b, AUTH_AHEAD_MAX) == NULL)
		m->bad = true;
	ipc_get_octets(m, "ahead", &b);
	len = m->bad ? 0 : b.len;
	memcpy(out, buf_cstr(&b), len);
	if (b.ptr != NULL)
		explicit_bzero(b.ptr, b.size);
	buf_free(&b);
	return len;
}

int
proto_auth_get_socket(struct ipc_msg *m)
{
	struct stat	 st;
	int		 fd;

	if ((fd = ipc_take_fd(m)) == -1)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
		return fd;
	io_close(fd);
	m->bad = true;
	return -1;
}

int
proto_auth_get_file(struct ipc_msg *m)
{
	struct stat	 st;
	int		 fd;

	if ((fd = ipc_take_fd(m)) == -1)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	io_close(fd);
	m->bad = true;
	return -1;
}

int
proto_auth_end_with(struct ipc_msg *m, int *fd)
{
	if (ipc_end(m) == 0)
		return 0;
	io_close(*fd);
	*fd = -1;
	return -1;
}

void
proto_auth_put_lookup(struct ipc_msg *m, uint64_t id, const char *address)
{
	ipc_start(m, "lookup", id);
	ipc_put_text(m, "address", address);
}

int
proto_auth_get_lookup(struct ipc_msg *m, char *address, size_t size)
{
	ipc_expect(m, "lookup");
	ipc_get_text(m, "address", address, size);
	return ipc_end(m);
}

void
proto_auth_put_found(struct ipc_msg *m, uint64_t id,
    const struct auth_lookup *l)
{
	ipc_start(m, "found", id);
	ipc_put(m, "kind", kinds[l->kind]);
	ipc_put_u64(m, "full", l->full);
	ipc_put_text(m, "user", l->user);
	ipc_put_u64(m, "uid", l->uid);
	ipc_put_u64(m, "gid", l->gid);
	ipc_put_text(m, "home", l->home);
	ipc_put_u64(m, "quota-octets", l->quota_octets);
	ipc_put_u64(m, "quota-count", l->quota_count);
}

static uint32_t
get_u32(struct ipc_msg *m, const char *key, uint32_t max)
{
	uint64_t	 n;

	ipc_get_u64(m, key, max, &n);
	return (uint32_t)n;
}

int
proto_auth_get_found(struct ipc_msg *m, struct auth_lookup *l)
{
	ipc_expect(m, "found");
	l->kind = (enum auth_kind)ipc_get_word(m, "kind", kinds,
	    PROTO_AUTH_COUNT(kinds));
	l->full = get_u32(m, "full", 1) == 1;
	ipc_get_text(m, "user", l->user, sizeof(l->user));
	l->uid = get_u32(m, "uid", UINT32_MAX);
	l->gid = get_u32(m, "gid", UINT32_MAX);
	ipc_get_text(m, "home", l->home, sizeof(l->home));
	ipc_get_u64(m, "quota-octets", UINT64_MAX, &l->quota_octets);
	ipc_get_u64(m, "quota-count", UINT64_MAX, &l->quota_count);
	return ipc_end(m);
}

void
proto_auth_put_expand(struct ipc_msg *m, uint64_t id, const char *address)
{
	ipc_start(m, "expand", id);
	ipc_put_text(m, "address", address);
}

int
proto_auth_get_expand(struct ipc_msg *m, char *address, size_t size)
{
	ipc_expect(m, "expand");
	ipc_get_text(m, "address", address, size);
	return ipc_end(m);
}

void
proto_auth_put_expanded(struct ipc_msg *m, uint64_t id, const char *status,
    int fd)
{
	ipc_start(m, "expanded", id);
	ipc_put(m, "status", status);
	if (fd != -1)
		ipc_attach(m, fd);
}

int
proto_auth_get_expanded(struct ipc_msg *m, char *status, size_t size, int *fd)
{
	static const char	*const names[] = { "ok", "none", "loop",
	    "toomany", "broken", "temp" };
	size_t			 name;

	*fd = -1;
	ipc_expect(m, "expanded");
	name = ipc_get_word(m, "status", names, PROTO_AUTH_COUNT(names));
	if (strlcpy(status, m->bad ? "" : names[name], size) >= size)
		m->bad = true;
	if (name == 0)
		*fd = proto_auth_get_file(m);
	return proto_auth_end_with(m, fd);
}

void
proto_auth_put_deliver(struct ipc_msg *m, uint64_t id, const char *user)
{
	ipc_start(m, "deliver", id);
	ipc_put_text(m, "user", user);
}

int
proto_auth_get_deliver(struct ipc_msg *m, char *user, size_t size)
{
	ipc_expect(m, "deliver");
	ipc_get_text(m, "user", user, size);
	return ipc_end(m);
}

void
proto_auth_put_worker(struct ipc_msg *m, uint64_t id, int fd)
{
	ipc_start(m, "worker", id);
	ipc_put(m, "status", fd == -1 ? "later" : "ok");
	if (fd != -1)
		ipc_attach(m, fd);
}

int
proto_auth_get_worker(struct ipc_msg *m, int *fd)
{
	static const char	*const names[] = { "ok", "later" };

	*fd = -1;
	ipc_expect(m, "worker");
	if (ipc_get_word(m, "status", names, PROTO_AUTH_COUNT(names)) == 0)
		*fd = proto_auth_get_socket(m);
	return proto_auth_end_with(m, fd);
}

void
proto_auth_put_usage(struct ipc_msg *m, uint64_t id, const char *user,
    uint64_t octets, uint64_t count)
{
	ipc_start(m, "usage", id);
	ipc_put_text(m, "user", user);
	ipc_put_u64(m, "octets", octets);
	ipc_put_u64(m, "count", count);
}

int
proto_auth_get_usage(struct ipc_msg *m, char *user, size_t size,
    uint64_t *octets, uint64_t *count)
{
	ipc_expect(m, "usage");
	ipc_get_text(m, "user", user, size);
	ipc_get_u64(m, "octets", UINT64_MAX, octets);
	ipc_get_u64(m, "count", UINT64_MAX, count);
	return ipc_end(m);
}

void
proto_auth_put_reload(struct ipc_msg *m, uint64_t id)
{
	ipc_start(m, "reload", id);
}

void
proto_auth_put_app_uses(struct ipc_msg *m, uint64_t id)
{
	ipc_start(m, "app-uses", id);
}

void
proto_auth_put_used(struct ipc_msg *m, uint64_t id, int fd)
{
	ipc_start(m, "used", id);
	ipc_put(m, "status", fd == -1 ? "temp" : "ok");
	if (fd != -1)
		ipc_attach(m, fd);
}

int
proto_auth_get_used(struct ipc_msg *m, int *fd)
{
	static const char	*const names[] = { "ok", "temp" };

	*fd = -1;
	ipc_expect(m, "used");
	if (ipc_get_word(m, "status", names, PROTO_AUTH_COUNT(names)) == 0)
		*fd = proto_auth_get_file(m);
	return proto_auth_end_with(m, fd);
}

void
proto_auth_put_handed(struct ipc_msg *m, uint64_t id,
    const struct auth_handed *h)
{
	ipc_start(m, "handed", id);
	ipc_put_text(m, "user", h->user);
	ipc_put_text(m, "home", h->home);
	ipc_put(m, "ip", h->ip);
	ipc_put_text(m, "tag", h->tag);
	ipc_put_u64(m, "quota-octets", h->quota_octets);
	ipc_put_u64(m, "quota-count", h->quota_count);
	ipc_put_octets(m, "ahead", (struct slice){ h->ahead, h->ahead_len });
	ipc_attach(m, h->fd);
}

int
proto_auth_get_handed(struct ipc_msg *m, struct auth_handed *h)
{
	ipc_expect(m, "handed");
	ipc_get_text(m, "user", h->user, sizeof(h->user));
	ipc_get_text(m, "home", h->home, sizeof(h->home));
	ipc_get(m, "ip", h->ip, sizeof(h->ip));
	proto_auth_get_tag(m, h->tag, sizeof(h->tag));
	ipc_get_u64(m, "quota-octets", UINT64_MAX, &h->quota_octets);
	ipc_get_u64(m, "quota-count", UINT64_MAX, &h->quota_count);
	h->ahead_len = proto_auth_get_ahead(m, h->ahead);
	h->fd = proto_auth_get_socket(m);
	return proto_auth_end_with(m, &h->fd);
}

/* One xtext word up to the end octet; *s moves past it.  "-" is *none. */
static int
result_word(struct slice *s, char end, bool may_none, char **out)
{
	const char	*p = memchr(s->ptr, end, s->len);
	struct slice	 word;
	struct buf	 b;

	if (p == NULL)
		return -1;
	word = (struct slice){ s->ptr, (size_t)(p - s->ptr) };
	s->len -= word.len + 1;
	s->ptr = p + 1;
	*out = NULL;
	if (slice_eq(word, SLICE_LIT("-")))
		return may_none ? 0 : -1;
	buf_init(&b, ADDRESS_MAX);
	if (word.len == 0 || text_xdecode(&b, word) == -1 ||
	    strlen(buf_cstr(&b)) != b.len) {
		buf_free(&b);
		return -1;
	}
	*out = xstrdup(buf_cstr(&b));
	buf_free(&b);
	return 0;
}

static int
result_parse(struct slice s, struct auth_result **out, size_t *n)
{
	struct auth_result	*r = NULL, *one;
	size_t			 room = 0;

	for (*n = 0; s.len > 0; ) {
		if (*n == room) {
			room = room == 0 ? 16 : 2 * room;
			r = xreallocarray(r, room, sizeof(*r));
		}
		one = &r[*n];
		memset(one, 0, sizeof(*one));
		(*n)++;
		if (*n > ALIASES_RESULTS ||
		    result_word(&s, ' ', false, &one->address) == -1 ||
		    result_word(&s, ' ', true, &one->owner) == -1 ||
		    result_word(&s, '\n', true, &one->orcpt) == -1) {
			proto_auth_results_free(r, *n);
			*n = 0;
			errno = EBADMSG;
			return -1;
		}
	}
	*out = r;
	return 0;
}

int
proto_auth_read_results(int fd, struct auth_result **out, size_t *n)
{
	struct stat	 st;
	ssize_t		 got;
	char		*data;
	int		 r;

	*out = NULL;
	*n = 0;
	if (fstat(fd, &st) == -1)
		return -1;
	if (st.st_size < 0 ||
	    st.st_size > (off_t)RESULT_MAX * ALIASES_RESULTS) {
		errno = EMSGSIZE;
		return -1;
	}
	data = xmalloc((size_t)st.st_size + 1);
	got = io_pread_full(fd, data, (size_t)st.st_size, 0);
	r = got == -1 ? -1 :
	    result_parse((struct slice){ data, (size_t)got }, out, n);
	free(data);
	return r;
}

void
proto_auth_results_free(struct auth_result *r, size_t n)
{
	size_t	 i;

	for (i = 0; r != NULL && i < n; i++) {
		free(r[i].address);
		free(r[i].owner);
		free(r[i].orcpt);
	}
	free(r);
}
