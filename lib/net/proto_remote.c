/* Contract in proto_remote.h; the fields in doc/protocols.md. */
#include <sys/stat.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/xmalloc.h"
#include "lib/net/proto_fields.h"
#include "lib/net/proto_remote.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define NOTIFY_ALL	(NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY)
/* A hundred texts of this length always fit, however they are encoded. */
#define TEXT_MIN	32

static const char *const	 tls_names[] = {
	[REMOTE_TLS_OFF] = "off",
	[REMOTE_TLS_OPPORTUNISTIC] = "opportunistic",
	[REMOTE_TLS_REQUIRED] = "required",
	[REMOTE_TLS_VERIFIED] = "verified",
};

int
remote_tls_named(const char *name, enum remote_tls *tls)
{
	size_t	 i;

	for (i = 0; i < COUNT(tls_names); i++)
		if (strcmp(name, tls_names[i]) == 0) {
			*tls = (enum remote_tls)i;
			return 0;
		}
	return -1;
}

const char *
remote_tls_name(enum remote_tls tls)
{
	return tls_names[tls];
}

/*
 * Close the group of fields that began at start: false, and the packet is
 * as it was, when they did not fit.
 */
static bool
keep(struct ipc_msg *m, size_t start)
{
	if (!m->bad)
		return true;
	m->len = start;
	m->data[start] = '\0';
	m->bad = false;
	return false;
}

void
proto_remote_put_open(struct ipc_msg *m, uint64_t id,
    const struct remote_open *o)
{
	size_t	 i, start;

	ipc_start(m, "open", id);
	ipc_put_u64(m, "lmtp", o->lmtp);
	ipc_put(m, "tls", tls_names[o->tls]);
	ipc_put_u64(m, "port", o->port);
	ipc_put_text(m, "path", o->unix_path);
	ipc_put_text(m, "user", o->user);
	ipc_put_text(m, "password-file", o->password_file);
	for (i = 0; i < o->nhost && !m->bad; i++) {
		start = m->len;
		proto_resolver_put_host(m, &o->host[i]);
		if (!keep(m, start)) {
			m->bad = i == 0;
			break;
		}
	}
}

static void
get_tls(struct ipc_msg *m, enum remote_tls *tls)
{
	char	 name[16];

	ipc_get(m, "tls", name, sizeof(name));
	if (remote_tls_named(name, tls) == -1) {
		*tls = REMOTE_TLS_VERIFIED;	/* never less by accident */
		m->bad = true;
	}
}

int
proto_remote_get_open(struct ipc_msg *m, struct remote_open *o)
{
	uint64_t	 port;

	memset(o, 0, sizeof(*o));
	ipc_expect(m, "open");
	o->lmtp = proto_get_bool(m, "lmtp");
	get_tls(m, &o->tls);
	ipc_get_u64(m, "port", UINT16_MAX, &port);
	o->port = (uint16_t)port;
	ipc_get_text(m, "path", o->unix_path, sizeof(o->unix_path));
	ipc_get_text(m, "user", o->user, sizeof(o->user));
	ipc_get_text(m, "password-file", o->password_file,
	    sizeof(o->password_file));
	o->host = xcalloc(REMOTE_HOSTS, sizeof(*o->host));
	while (o->nhost < REMOTE_HOSTS && ipc_next_is(m, "host"))
		(void)proto_resolver_get_host(m, &o->host[o->nhost++]);

	/* Either a socket here, for LMTP alone, or hosts and a port there. */
	if (o->unix_path[0] != '\0' ? !o->lmtp || o->nhost > 0 :
	    o->port == 0 || o->nhost == 0)
		m->bad = true;
	if (ipc_end(m) == 0)
		return 0;
	proto_remote_open_free(o);
	errno = EBADMSG;
	return -1;
}

void
proto_remote_open_free(struct remote_open *o)
{
	size_t	 i;

	for (i = 0; i < o->nhost; i++)
		free(o->host[i].tlsa);
	free(o->host);
	o->host = NULL;
	o->nhost = 0;
}

void
proto_remote_put_job(struct ipc_msg *m, uint64_t id,
    const struct remote_job *j)
{
	ipc_start(m, "job", id);
	ipc_put(m, "id", j->id);
	ipc_put_text(m, "sender", j->sender);
	ipc_put_text(m, "envid", j->envid);
	ipc_put_u64(m, "ret", j->ret);
	ipc_put_u64(m, "eightbit", j->eightbit);
	ipc_put_u64(m, "utf8", j->utf8);
	ipc_put_u64(m, "dots", j->dots);
	ipc_put_u64(m, "longline", j->longline);
	ipc_put_u64(m, "offset", j->offset);
	ipc_put_u64(m, "len", j->len);
	ipc_attach(m, j->fd);
}

bool
proto_remote_put_rcpt(struct ipc_msg *m, const struct remote_rcpt *r)
{
	size_t	 start = m->len;

	if (m->bad)
		return false;
	ipc_put_u64(m, "rcpt", r->number);
	ipc_put_text(m, "address", r->address);
	ipc_put_u64(m, "notify", (uint64_t)r->notify);
	if (r->orcpt != NULL)
		ipc_put_text(m, "orcpt", r->orcpt);
	return keep(m, start);
}

static void
get_rcpt(struct ipc_msg *m, struct remote_rcpt *r)
{
	char		 orcpt[MAIL_ORCPT_MAX + 1];
	uint64_t	 notify;

	proto_get_number(m, "rcpt", &r->number);
	proto_get_line(m, "address", r->address, sizeof(r->address));
	if (r->address[0] == '\0')
		m->bad = true;
	ipc_get_u64(m, "notify", NOTIFY_ALL | NOTIFY_NEVER, &notify);
	r->notify = (int)notify;
	/* RFC 3461 4.1: NEVER stands alone. */
	if ((notify & NOTIFY_NEVER) && notify != NOTIFY_NEVER)
		m->bad = true;
	r->orcpt = NULL;
	if (!ipc_next_is(m, "orcpt"))
		return;
	proto_get_line(m, "orcpt", orcpt, sizeof(orcpt));
	r->orcpt = xstrdup(orcpt);
}

/* Read by offset: nothing but a file can be. */
static void
get_file(struct ipc_msg *m, int *fd)
{
	struct stat	 st;

	*fd = ipc_take_fd(m);
	if (*fd != -1 && (fstat(*fd, &st) == -1 || !S_ISREG(st.st_mode)))
		m->bad = true;
}

int
proto_remote_get_job(struct ipc_msg *m, struct remote_job *j)
{
	uint64_t	 n;

	j->nrcpt = 0;
	ipc_expect(m, "job");
	proto_get_id(m, j->id);
	proto_get_line(m, "sender", j->sender, sizeof(j->sender));
	proto_get_line(m, "envid", j->envid, sizeof(j->envid));
	ipc_get_u64(m, "ret", RET_HDRS, &n);
	j->ret = (unsigned int)n;
	j->eightbit = proto_get_bool(m, "eightbit");
	j->utf8 = proto_get_bool(m, "utf8");
	j->dots = proto_get_bool(m, "dots");
	j->longline = proto_get_bool(m, "longline");
	ipc_get_u64(m, "offset", INT64_MAX, &j->offset);
	/* The end too must be an offset: offset + len never overflows. */
	ipc_get_u64(m, "len", INT64_MAX - j->offset, &j->len);
	while (j->nrcpt < REMOTE_RCPTS && ipc_next_is(m, "rcpt"))
		get_rcpt(m, &j->rcpt[j->nrcpt++]);
	if (j->nrcpt == 0)
		m->bad = true;
	get_file(m, &j->fd);
	if (ipc_end(m) == 0)
		return 0;
	proto_remote_job_free(j);
	errno = EBADMSG;
	return -1;
}

void
proto_remote_job_free(struct remote_job *j)
{
	size_t	 i;

	for (i = 0; i < j->nrcpt; i++)
		free(j->rcpt[i].orcpt);
	j->nrcpt = 0;
	io_close(j->fd);
	j->fd = -1;
}

static bool
same(const struct remote_outcome *a, const struct remote_outcome *b)
{
	return a->verdict == b->verdict && a->said == b->said &&
	    strcmp(a->code, b->code) == 0 && strcmp(a->text, b->text) == 0;
}

/* The text, at most max octets of it, no character of UTF-8 cut in two. */
static void
put_cut(struct ipc_msg *m, const char *text, size_t max)
{
	char	 cut[sizeof(((struct remote_outcome *)NULL)->text)];
	size_t	 n = strlen(text);

	if (n > max) {
		for (n = max; n > 0 && (text[n] & 0xc0) == 0x80; n--)
			;
	}
	memcpy(cut, text, n);
	cut[n] = '\0';
	ipc_put_text(m, "text", cut);
}

static void
put_outcomes(struct ipc_msg *m, const struct remote_result *r, size_t max)
{
	const struct remote_outcome	*o;
	size_t				 i;

	for (i = 0; i < r->noutcome; i++) {
		o = &r->outcome[i];
		if (i == 0 || !same(o, o - 1)) {
			proto_put_verdict(m, o->verdict, o->code);
			ipc_put_u64(m, "said", o->said);
			put_cut(m, o->text, max);
		}
		ipc_put_u64(m, "rcpt", o->number);
	}
}

void
proto_remote_put_result(struct ipc_msg *m, uint64_t id,
    const struct remote_result *r)
{
	size_t	 max, start;

	ipc_start(m, "result", id);
	ipc_put(m, "id", r->id);
	ipc_put_u64(m, "kept", r->kept);
	ipc_put_u64(m, "destination-failed", r->destination_failed);
	ipc_put_u64(m, "dsn", r->dsn);
	ipc_put_text(m, "host", r->host);
	ipc_put_text(m, "addr", r->addr);
	ipc_put_text(m, "tls", r->tls);
	if (m->bad)
		return;
	start = m->len;
	for (max = sizeof(r->outcome[0].text); max >= TEXT_MIN; max /= 2) {
		put_outcomes(m, r, max);
		if (keep(m, start))
			return;
	}
	m->bad = true;
}

/* The outcome that a group of recipients has. */
static void
get_group(struct ipc_msg *m, struct remote_outcome *o)
{
	memset(o, 0, sizeof(*o));
	proto_get_verdict(m, &o->verdict, o->code);
	o->said = proto_get_bool(m, "said");
	ipc_get_text(m, "text", o->text, sizeof(o->text));
}

int
proto_remote_get_result(struct ipc_msg *m, struct remote_result *r)
{
	struct remote_outcome	 group;

	ipc_expect(m, "result");
	proto_get_id(m, r->id);
	r->kept = proto_get_bool(m, "kept");
	r->destination_failed = proto_get_bool(m, "destination-failed");
	r->dsn = proto_get_bool(m, "dsn");
	ipc_get_text(m, "host", r->host, sizeof(r->host));
	ipc_get_text(m, "addr", r->addr, sizeof(r->addr));
	ipc_get_text(m, "tls", r->tls, sizeof(r->tls));
	r->noutcome = 0;
	while (ipc_next_is(m, "verdict")) {
		get_group(m, &group);
		if (!ipc_next_is(m, "rcpt"))
			m->bad = true;
		while (r->noutcome < REMOTE_RCPTS && ipc_next_is(m, "rcpt")) {
			proto_get_number(m, "rcpt", &group.number);
			r->outcome[r->noutcome++] = group;
		}
	}
	return ipc_end(m);
}
