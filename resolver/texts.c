/* txt, dnsbl, tlsa: one DNS question each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "lib/base/xmalloc.h"
#include "resolver/ask.h"
#include "resolver/name.h"
#include "resolver/resolver.h"

#define TEXT_MAX	(IPC_MAX / 3)	/* octets; encoded they still fit */

/* One record's words appended, or false: it is none. */
typedef bool	 texts_fn(const struct dns_answer *, const struct dns_record *,
		    struct buf *);

struct texts {
	struct question	 q;		/* first */
	const char	*verb;
	texts_fn	*fn;
	struct ask	*ask;
	char		 name[RESOLVER_NAME_MAX];
};

static struct resolver_texts	 answer;

static bool
txt_words(const struct dns_answer *a, const struct dns_record *r,
    struct buf *b)
{
	(void)a;
	return wire_txt(r, b);
}

/*
 * RFC 5782 2.1: a listed address answers within 127/8.  Anything else comes
 * from a list whose domain was lost to somebody who sells pages.
 */
static bool
dnsbl_words(const struct dns_answer *a, const struct dns_record *r,
    struct buf *b)
{
	char	 addr[RESOLVER_ADDR_MAX];

	return wire_address(a, r, addr) && strncmp(addr, "127.", 4) == 0 &&
	    buf_addstr(b, addr) == 0;
}

static bool
tlsa_words(const struct dns_answer *a, const struct dns_record *r,
    struct buf *b)
{
	struct resolver_tlsa	 tlsa;
	size_t			 i;

	(void)a;
	if (!wire_tlsa(r, &tlsa))
		return false;
	buf_addf(b, "%u %u %u ", tlsa.usage, tlsa.selector, tlsa.matching);
	for (i = 0; i < tlsa.len; i++)
		buf_addf(b, "%02x", tlsa.data[i]);
	return true;
}

static void
texts_answer(struct texts *t)
{
	question_answer_texts(&t->q, t->verb, t->name, &answer);
	question_end(&t->q);
	free(t);
}

static void
take(struct texts *t, struct dns_answer *a)
{
	struct dns_record	 r;
	struct buf		 b;
	int			 at = 0;

	while (answer.n < RESOLVER_TEXTS && wire_next(a, &at, &r)) {
		buf_init(&b, TEXT_MAX);
		if (t->fn(a, &r, &b)) {
			answer.len[answer.n] = b.len;
			answer.text[answer.n] = xmalloc(b.len + 1);
			memcpy(answer.text[answer.n++], buf_cstr(&b),
			    b.len + 1);
		}
		buf_free(&b);
	}
}

static void
texts_answered(void *arg, struct dns_answer *a)
{
	struct texts	*t = arg;

	memset(&answer, 0, sizeof(answer));
	answer.ttl = a->ttl;
	answer.secure = a->secure;
	answer.status = RESOLVER_NONE;
	switch (a->status) {
	case DNS_OK:
		take(t, a);
		/* Records that cannot be read are not none. */
		answer.status = answer.n > 0 ? RESOLVER_OK :
		    t->fn == dnsbl_words ? RESOLVER_NONE : RESOLVER_TEMP;
		break;
	case DNS_NODATA:
	case DNS_NXDOMAIN:
		break;
	case DNS_FAILED:
	case DNS_BOGUS:
		answer.status = RESOLVER_TEMP;
		break;
	}
	texts_answer(t);
}

static void
texts_late(struct question *q, bool unanswered)
{
	struct texts	*t = (struct texts *)q;

	ask_forget(&t->ask);
	if (!unanswered) {
		memset(&answer, 0, sizeof(answer));
		answer.status = RESOLVER_TEMP;
		texts_answer(t);
		return;
	}
	question_end(&t->q);
	free(t);
}

static void
texts_start(struct resolver *r, struct ipc_client *c, uint64_t id,
    const char *verb, const char *name, uint16_t type, texts_fn *fn)
{
	struct texts	*t = xcalloc(1, sizeof(*t));

	question_begin(&t->q, r, c, id, texts_late);
	t->verb = verb;
	t->fn = fn;
	if (name_parse(name, t->name)) {
		ask_start(r->asker, &t->ask, t->name, type, texts_answered,
		    t);
		return;
	}
	strlcpy(t->name, name, sizeof(t->name));
	memset(&answer, 0, sizeof(answer));
	answer.status = RESOLVER_NONE;
	texts_answer(t);
}

void
txt_start(struct resolver *r, struct ipc_client *c, uint64_t id,
    const char *name)
{
	texts_start(r, c, id, "txt", name, ns_t_txt, txt_words);
}

void
dnsbl_start(struct resolver *r, struct ipc_client *c, uint64_t id,
    const char *name)
{
	texts_start(r, c, id, "dnsbl", name, ns_t_a, dnsbl_words);
}

void
tlsa_start(struct resolver *r, struct ipc_client *c, uint64_t id,
    const char *name)
{
	texts_start(r, c, id, "tlsa", name, ns_t_tlsa, tlsa_words);
}
