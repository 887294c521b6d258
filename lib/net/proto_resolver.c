/* Contract in proto_resolver.h; the fields in doc/protocols.md. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/net/proto_fields.h"
#include "lib/net/proto_resolver.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define TLSA_TEXT	(16 + 2 * RESOLVER_TLSA_DATA)

static const char *const	 statuses[] = {
	[RESOLVER_OK] = "ok",
	[RESOLVER_NONE] = "none",
	[RESOLVER_NULL_MX] = "null-mx",
	[RESOLVER_LOOP] = "loop",
	[RESOLVER_TEMP] = "temp",
};

static const char *const	 danes[] = {
	[DANE_NONE] = "none",
	[DANE_TLSA] = "tlsa",
	[DANE_FAILED] = "failed",
};

static uint64_t
get_number(struct ipc_msg *m, const char *key, uint64_t max)
{
	uint64_t	 n;

	ipc_get_u64(m, key, max, &n);
	return n;
}

void
resolver_route_init(struct resolver_route *r)
{
	memset(r, 0, sizeof(*r));
	r->status = RESOLVER_TEMP;	/* never OK by accident */
}

static void
host_free(struct resolver_host *h)
{
	free(h->tlsa);
	h->tlsa = NULL;
	h->ntlsa = 0;
}

void
resolver_route_free(struct resolver_route *r)
{
	size_t	 i;

	for (i = 0; i < r->nhost; i++)
		host_free(&r->host[i]);
	resolver_route_init(r);
}

void
resolver_texts_free(struct resolver_texts *t)
{
	size_t	 i;

	for (i = 0; i < t->n; i++)
		free(t->text[i]);
	memset(t, 0, sizeof(*t));
	t->status = RESOLVER_TEMP;
}

void
proto_resolver_put_ask(struct ipc_msg *m, uint64_t id, const char *verb,
    const char *name)
{
	ipc_start(m, verb, id);
	ipc_put_text(m, "name", name);
}

int
proto_resolver_get_ask(struct ipc_msg *m, char *name, size_t size)
{
	ipc_get_text(m, "name", name, size);
	return ipc_end(m);
}

static void
put_tlsa(struct ipc_msg *m, const struct resolver_tlsa *t)
{
	char	 line[TLSA_TEXT];
	size_t	 i, n;

	if (t->len > sizeof(t->data)) {
		m->bad = true;
		return;
	}
	n = (size_t)snprintf(line, sizeof(line), "%u %u %u ", t->usage,
	    t->selector, t->matching);
	for (i = 0; i < t->len; i++, n += 2)
		snprintf(line + n, sizeof(line) - n, "%02x", t->data[i]);
	ipc_put(m, "tlsa", line);
}

/* A number up to 255 and the blank after it. */
static uint8_t
take_octet(struct ipc_msg *m, const char **p)
{
	const char	*sp = strchr(*p, ' ');
	uint64_t	 n = 0;

	if (sp == NULL || text_u64((struct slice){ *p, (size_t)(sp - *p) },
	    255, &n) == -1)
		m->bad = true;
	else
		*p = sp + 1;
	return (uint8_t)n;
}

static void
get_tlsa(struct ipc_msg *m, struct resolver_tlsa *t)
{
	char		 line[TLSA_TEXT];
	const char	*p = line;
	int		 hi, lo;

	ipc_get(m, "tlsa", line, sizeof(line));
	t->usage = take_octet(m, &p);
	t->selector = take_octet(m, &p);
	t->matching = take_octet(m, &p);
	for (t->len = 0; *p != '\0' && !m->bad; p += 2) {
		hi = text_hex(p[0]);
		lo = hi == -1 ? -1 : text_hex(p[1]);
		if (lo == -1 || t->len == sizeof(t->data))
			m->bad = true;
		else
			t->data[t->len++] = (uint8_t)(hi << 4 | lo);
	}
	if (t->len == 0)
		m->bad = true;
}

void
proto_resolver_put_host(struct ipc_msg *m, const struct resolver_host *h)
{
	size_t	 i;

	ipc_put_text(m, "host", h->name);
	ipc_put_u64(m, "preference", h->preference);
	ipc_put_u64(m, "secure", h->secure);
	for (i = 0; i < h->naddr; i++)
		ipc_put(m, "addr", h->addr[i]);
	ipc_put(m, "dane", danes[h->dane]);
	for (i = 0; i < h->ntlsa; i++)
		put_tlsa(m, &h->tlsa[i]);
}

/* What goes into commands, logs and certificate checks is a plain name. */
static void
get_host_name(struct ipc_msg *m, char *name)
{
	size_t	 i;

	ipc_get_text(m, "host", name, RESOLVER_NAME_MAX);
	for (i = 0; name[i] != '\0'; i++)
		if (!text_is_alnum(name[i]) &&
		    strchr("-_.:[]", name[i]) == NULL)
			m->bad = true;
	if (i == 0)
		m->bad = true;
}

static void
get_addr(struct ipc_msg *m, char *addr)
{
	unsigned char	 bin[16];

	ipc_get(m, "addr", addr, RESOLVER_ADDR_MAX);
	if (inet_pton(AF_INET, addr, bin) != 1 &&
	    inet_pton(AF_INET6, addr, bin) != 1)
		m->bad = true;
}

int
proto_resolver_get_host(struct ipc_msg *m, struct resolver_host *h)
{
	memset(h, 0, sizeof(*h));
	get_host_name(m, h->name);
	h->preference = (uint16_t)get_number(m, "preference", 65535);
	h->secure = get_number(m, "secure", 1) == 1;
	while (h->naddr < RESOLVER_ADDRS && ipc_next_is(m, "addr"))
		get_addr(m, h->addr[h->naddr++]);
	h->dane = (enum resolver_dane)ipc_get_word(m, "dane", danes,
	    COUNT(danes));
	while (h->ntlsa < RESOLVER_TLSA && ipc_next_is(m, "tlsa")) {
		if (h->tlsa == NULL)
			h->tlsa = xcalloc(RESOLVER_TLSA, sizeof(*h->tlsa));
		get_tlsa(m, &h->tlsa[h->ntlsa++]);
	}
	if (h->naddr == 0 || (h->dane == DANE_TLSA) != (h->ntlsa > 0))
		m->bad = true;
	if (!m->bad)
		return 0;
	host_free(h);
	errno = EBADMSG;
	return -1;
}

void
proto_resolver_put_route(struct ipc_msg *m, uint64_t id,
    struct resolver_route *r)
{
	size_t	 i, before;

	ipc_start(m, "hosts", id);
	ipc_put(m, "status", statuses[r->status]);
	ipc_put(m, "code", r->code);
	ipc_put_text(m, "text", r->text);
	ipc_put_u64(m, "ttl", r->ttl);
	for (i = 0; i < r->nhost && !m->bad; i++) {
		before = m->len;
		proto_resolver_put_host(m, &r->host[i]);
		if (!m->bad || i == 0)
			continue;
		/* Full: what is in it already are the better ones. */
		m->len = before;
		m->data[before] = '\0';
		m->bad = false;
		while (r->nhost > i)
			host_free(&r->host[--r->nhost]);
	}
}

/* A failure's; "" beside OK. */
static bool
code_fits(const char *code, enum resolver_status status)
{
	if (status == RESOLVER_OK)
		return code[0] == '\0';
	return proto_code_fits(code, status == RESOLVER_TEMP ? '4' : '5');
}

int
proto_resolver_get_route(struct ipc_msg *m, struct resolver_route *r)
{
	size_t	 i;

	resolver_route_init(r);
	ipc_expect(m, "hosts");
	r->status = (enum resolver_status)ipc_get_word(m, "status", statuses,
	    COUNT(statuses));
	ipc_get(m, "code", r->code, sizeof(r->code));
	if (!code_fits(r->code, r->status))
		m->bad = true;
	ipc_get_text(m, "text", r->text, sizeof(r->text));
	for (i = 0; r->text[i] != '\0'; i++)
		if (text_is_control(r->text[i]))
			m->bad = true;
	r->ttl = (uint32_t)get_number(m, "ttl", UINT32_MAX);
	while (r->nhost < RESOLVER_HOSTS && ipc_next_is(m, "host"))
		if (proto_resolver_get_host(m, &r->host[r->nhost]) == 0)
			r->nhost++;
	if ((r->status == RESOLVER_OK) != (r->nhost > 0))
		m->bad = true;
	if (ipc_end(m) == 0)
		return 0;
	resolver_route_free(r);
	errno = EBADMSG;
	return -1;
}

void
proto_resolver_put_texts(struct ipc_msg *m, uint64_t id,
    const struct resolver_texts *t)
{
	size_t	 i, before;

	ipc_start(m, "texts", id);
	ipc_put(m, "status", statuses[t->status]);
	ipc_put_u64(m, "secure", t->secure);
	ipc_put_u64(m, "ttl", t->ttl);
	for (i = 0; i < t->n && !m->bad; i++) {
		before = m->len;
		ipc_put_octets(m, "text", (struct slice){ t->text[i],
		    t->len[i] });
		if (!m->bad)
			continue;
		/* Encoded it has no room; a shorter one may have. */
		m->len = before;
		m->data[before] = '\0';
		m->bad = false;
	}
}

static void
get_one_text(struct ipc_msg *m, struct resolver_texts *t)
{
	struct buf	 b;

	buf_init(&b, IPC_MAX);
	ipc_get_octets(m, "text", &b);
	t->text[t->n] = xmalloc(b.len + 1);
	memcpy(t->text[t->n], buf_cstr(&b), b.len + 1);
	t->len[t->n++] = b.len;
	buf_free(&b);
}

int
proto_resolver_get_texts(struct ipc_msg *m, struct resolver_texts *t)
{
	memset(t, 0, sizeof(*t));
	ipc_expect(m, "texts");
	t->status = (enum resolver_status)ipc_get_word(m, "status", statuses,
	    COUNT(statuses));
	t->secure = get_number(m, "secure", 1) == 1;
	t->ttl = (uint32_t)get_number(m, "ttl", UINT32_MAX);
	while (t->n < RESOLVER_TEXTS && ipc_next_is(m, "text"))
		get_one_text(m, t);
	if (t->status != RESOLVER_OK && t->n > 0)
		m->bad = true;
	if (ipc_end(m) == 0)
		return 0;
	resolver_texts_free(t);
	errno = EBADMSG;
	return -1;
}
