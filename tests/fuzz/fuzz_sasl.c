/*
 * Whole exchanges of every mechanism: the first octet chooses it, the second
 * what is there (TLS, bindings, authd's verdict), then come messages, each
 * behind its length in two octets.  Whatever is said, authd is only asked about
 * names and secrets of the form that it may expect.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/net/sasl_server.h"
#include "lib/net/tls_stream.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TLS = 1, BINDING = 2, NO = 4, LATER = 8, GONE = 16 };

static const char	*const names[] = { "SCRAM-SHA-256-PLUS",
	"SCRAM-SHA-256", "SCRAM-SHA-1", "EXTERNAL", "OAUTHBEARER", "XOAUTH2",
	"PLAIN", "LOGIN" };

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static uint8_t		 flags;
static bool		 proved;

bool
tls_on(const struct stream *s)
{
	(void)s;
	return (flags & TLS) != 0;
}

size_t
tls_binding(const struct stream *s, enum tls_binding kind,
    unsigned char out[TLS_BINDING])
{
	(void)s;
	memset(out, 'A', 32);
	return (flags & BINDING) != 0 && kind == TLS_EXPORTER ? 32 : 0;
}

static void
check_name(const char *user)
{
	size_t	 i;

	assert(text_is_utf8(slice_str(user)));
	for (i = 0; user[i] != '\0'; i++)
		assert(!text_is_control(user[i]));
}

int
auth_client_scram(struct auth_client *c, const struct auth_scram *s,
    struct auth_scram_first *first)
{
	(void)c;
	check_name(s->user);
	assert(s->user[0] != '\0' && s->nonce[0] != '\0');
	assert(strchr(s->nonce, ',') == NULL);
	memset(first, 0, sizeof(*first));
	first->later = (flags & LATER) != 0;
	memset(first->exchange, 'e', AUTH_PASS_LEN);
	snprintf(first->message, sizeof(first->message),
	    "r=%sx,s=QSXCR+Q6sek8bf92,i=4096", s->nonce);
	return (flags & GONE) != 0 ? -1 : 0;
}

int
auth_client_check(struct auth_client *ac, const struct auth_check *c,
    struct auth_answer *a)
{
	(void)ac;
	assert(c->method == AUTH_SCRAM);
	check_name(c->user);
	assert(strncmp(c->last, "c=", 2) == 0);
	assert(strstr(c->first, "r=") != NULL);
	assert(strlen(c->secret) == 28 || strlen(c->secret) == 44);
	memset(a, 0, sizeof(*a));
	if ((flags & NO) != 0) {
		a->verdict = AUTH_BAD;
		return 0;
	}
	proved = true;
	snprintf(a->user, sizeof(a->user), "user");
	snprintf(a->signature, sizeof(a->signature), "c2ln");
	memset(a->pass, 'p', AUTH_PASS_LEN);
	return 0;
}

static void
check_ready(const struct auth_check *c)
{
	check_name(c->user);
	assert(c->secret[0] != '\0');
	assert(strcmp(c->service, "smtp") == 0);
	switch (c->method) {
	case AUTH_PASSWORD:
		assert(c->user[0] != '\0');
		assert(strlen(c->secret) <= AUTH_PASSWORD_MAX);
		break;
	case AUTH_TOKEN:
		assert(strpbrk(c->secret, " &\r\n\1\"") == NULL);
		break;
	case AUTH_CERTIFICATE:
		assert(strcmp(c->secret, "ab12") == 0);
		break;
	case AUTH_PASS:
		assert(proved && strlen(c->secret) == AUTH_PASS_LEN);
		break;
	case AUTH_SCRAM:
		assert(0);
	}
}

static void
talk(struct sasl_server *s, const uint8_t *data, size_t size)
{
	struct auth_check	 c;
	struct buf		 challenge;
	struct slice		 in;
	enum sasl_status	 st;
	size_t			 len;

	buf_init(&challenge, 4096);
	if (size > 0 && data[0] == 0xff)
		sasl_server_step(s, NULL, &challenge, &c);
	while (size >= 2) {
		len = (size_t)data[0] << 8 | data[1];
		data += 2;
		size -= 2;
		if (len > size)
			len = size;
		in = (struct slice){ (const char *)data, len };
		data += len;
		size -= len;
		memset(&c, 'x', sizeof(c));
		st = sasl_server_step(s, &in, &challenge, &c);
		if (st == SASL_READY)
			check_ready(&c);
		else
			assert(c.user[0] == '\0' && c.secret[0] == '\0');
		assert(st == SASL_MORE || challenge.len == 0);
	}
	sasl_server_refused(s, &challenge);
	buf_free(&challenge);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config		 conf;
	static struct stream		 stream;
	static struct auth_client	 authd;
	static char			 url[] = "https://sso.example.org/";
	static const struct sasl_place	 place = { .config = &conf,
	    .service = "smtp", .ip = "192.0.2.1", .stream = &stream,
	    .safe = true, .certificate = "ab12", .authd = &authd };
	struct sasl_server		*s;
	bool				 unsafe;

	if (size < 2)
		return 0;
	conf.authd.mechanisms.item = (char **)(uintptr_t)names;
	conf.authd.mechanisms.n = COUNT(names);
	conf.tls.client_certificates = true;
	conf.oauth.url = url;
	flags = data[1];
	proved = false;
	s = sasl_server_start(&place,
	    slice_str(names[data[0] % COUNT(names)]), &unsafe);
	if (s != NULL)
		talk(s, data + 2, size - 2);
	sasl_server_free(s);
	return 0;
}
