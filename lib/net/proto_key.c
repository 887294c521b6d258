/* Contract in proto_key.h; the fields in doc/protocols.md. */
#include <string.h>

#include "lib/base/text.h"
#include "lib/net/proto_key.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static const char *const	 schemes[] = {
	[KEY_RSA_PKCS1] = "rsa-pkcs1",
	[KEY_RSA_PSS] = "rsa-pss",
	[KEY_ECDSA] = "ecdsa",
};

/* What is signed is a digest and has its length. */
static const struct {
	const char	*name;
	size_t		 len;
}				 digests[] = {
	{ "sha256", 32 },
	{ "sha384", 48 },
	{ "sha512", 64 },
};

/* On the stack and wiped: it may be a key of tickets. */
static void
put_hex(struct ipc_msg *m, const char *key, const unsigned char *data,
    size_t len)
{
	static const char	 hex[] = "0123456789abcdef";
	char			 text[2 * KEY_SIGNATURE_MAX + 1];
	size_t			 i;

	if (len > KEY_SIGNATURE_MAX) {
		m->bad = true;
		return;
	}
	for (i = 0; i < len; i++) {
		text[2 * i] = hex[data[i] >> 4];
		text[2 * i + 1] = hex[data[i] & 15];
	}
	text[2 * len] = '\0';
	ipc_put(m, key, text);
	explicit_bzero(text, 2 * len);
}

/* At most max octets into out; how many, 0 when they are none. */
static size_t
get_hex(struct ipc_msg *m, const char *key, unsigned char *out, size_t max)
{
	char	 text[2 * KEY_SIGNATURE_MAX + 1];
	size_t	 i, n = 0;
	int	 hi, lo;

	ipc_get(m, key, text, 2 * max + 1);
	for (i = 0; text[i] != '\0' && !m->bad; i += 2) {
		hi = text_hex(text[i]);
		lo = hi == -1 ? -1 : text_hex(text[i + 1]);
		if (lo == -1)
			m->bad = true;
		else
			out[n++] = (unsigned char)(hi << 4 | lo);
	}
	explicit_bzero(text, strlen(text));
	return m->bad ? 0 : n;
}

/* Exactly len of them. */
static void
get_octets(struct ipc_msg *m, const char *key, unsigned char *out, size_t len)
{
	if (get_hex(m, key, out, len) != len)
		m->bad = true;
}

static bool
get_bool(struct ipc_msg *m, const char *key)
{
	uint64_t	 n;

	ipc_get_u64(m, key, 1, &n);
	return n == 1;
}

static size_t
digest_len(const char *name)
{
	size_t	 i;

	for (i = 0; i < COUNT(digests); i++)
		if (strcmp(name, digests[i].name) == 0)
			return digests[i].len;
	return 0;
}

void
proto_key_put_sign(struct ipc_msg *m, uint64_t id, const struct key_sign *s)
{
	ipc_start(m, "sign", id);
	ipc_put(m, "key", s->key);
	ipc_put(m, "scheme", schemes[s->scheme]);
	ipc_put(m, "digest", s->digest);
	put_hex(m, "data", s->data, s->len);
}

int
proto_key_get_sign(struct ipc_msg *m, struct key_sign *s)
{
	size_t	 i;

	memset(s, 0, sizeof(*s));
	ipc_expect(m, "sign");
	ipc_get(m, "key", s->key, sizeof(s->key));
	for (i = 0; s->key[i] != '\0'; i++)
		if (text_hex(s->key[i]) == -1 ||
		    text_lower(s->key[i]) != s->key[i])
			m->bad = true;
	if (i != KEY_ID_MAX)
		m->bad = true;
	s->scheme = (enum key_scheme)ipc_get_word(m, "scheme", schemes,
	    COUNT(schemes));
	ipc_get(m, "digest", s->digest, sizeof(s->digest));
	s->len = get_hex(m, "data", s->data, sizeof(s->data));
	if (s->len == 0 || s->len != digest_len(s->digest))
		m->bad = true;
	return ipc_end_secret(m, s, sizeof(*s));
}

void
proto_key_put_signed(struct ipc_msg *m, uint64_t id,
    const struct key_signature *s)
{
	ipc_start(m, "signed", id);
	ipc_put_u64(m, "ok", s->ok);
	if (s->ok)
		put_hex(m, "data", s->data, s->len);
}

int
proto_key_get_signed(struct ipc_msg *m, struct key_signature *s)
{
	memset(s, 0, sizeof(*s));
	ipc_expect(m, "signed");
	s->ok = get_bool(m, "ok");
	if (s->ok) {
		s->len = get_hex(m, "data", s->data, sizeof(s->data));
		if (s->len == 0)
			m->bad = true;
	}
	return ipc_end_secret(m, s, sizeof(*s));
}

void
proto_key_put_ticket(struct ipc_msg *m, uint64_t id,
    const unsigned char name[KEY_TICKET_NAME])
{
	ipc_start(m, "ticket", id);
	if (name != NULL)
		put_hex(m, "name", name, KEY_TICKET_NAME);
}

int
proto_key_get_ticket(struct ipc_msg *m, bool *named,
    unsigned char name[KEY_TICKET_NAME])
{
	memset(name, 0, KEY_TICKET_NAME);
	ipc_expect(m, "ticket");
	if ((*named = ipc_next_is(m, "name")))
		get_octets(m, "name", name, KEY_TICKET_NAME);
	return ipc_end_secret(m, name, KEY_TICKET_NAME);
}

void
proto_key_put_ticket_key(struct ipc_msg *m, uint64_t id,
    const struct key_ticket *t)
{
	ipc_start(m, "ticket-key", id);
	ipc_put_u64(m, "known", t->known);
	if (!t->known)
		return;
	put_hex(m, "name", t->name, sizeof(t->name));
	put_hex(m, "aes", t->aes, sizeof(t->aes));
	put_hex(m, "hmac", t->hmac, sizeof(t->hmac));
	ipc_put_u64(m, "fresh", t->fresh);
	ipc_put_u64(m, "left", t->left);
}

int
proto_key_get_ticket_key(struct ipc_msg *m, struct key_ticket *t)
{
	uint64_t	 fresh = 0, left = 0;

	memset(t, 0, sizeof(*t));
	ipc_expect(m, "ticket-key");
	if ((t->known = get_bool(m, "known"))) {
		get_octets(m, "name", t->name, sizeof(t->name));
		get_octets(m, "aes", t->aes, sizeof(t->aes));
		get_octets(m, "hmac", t->hmac, sizeof(t->hmac));
		ipc_get_u64(m, "fresh", KEY_TICKET_LIFE_MAX, &fresh);
		ipc_get_u64(m, "left", KEY_TICKET_LIFE_MAX, &left);
		t->fresh = (unsigned int)fresh;
		t->left = (unsigned int)left;
		/* Nobody may use it longer than it is good. */
		if (left == 0 || fresh > left)
			m->bad = true;
	}
	return ipc_end_secret(m, t, sizeof(*t));
}

void
proto_key_put_reload(struct ipc_msg *m, uint64_t id)
{
	ipc_start(m, "reload", id);
}
