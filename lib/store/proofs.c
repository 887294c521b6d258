/* Contract in proofs.h; the user_... functions' in users.h. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/store/extra.h"
#include "lib/store/proofs.h"
#include "lib/store/secret.h"

#define PRINT		32		/* octets of a fingerprint */
#define SAMPLE		1000		/* users with keys */
#define CLASSES		8

struct certificate {
	unsigned char	 print[PRINT];
	struct user	*user;		/* NULL: of two */
};

struct proofs {
	struct certificate	*cert;		/* sorted */
	size_t			 n, room;
	struct {
		uint32_t	 iterations;
		size_t		 salt_len;
		size_t		 n;
	}			 class[SCRAM_HASHES][CLASSES];
};

static bool
proofs_print(struct slice hex, unsigned char out[PRINT])
{
	size_t	 i;
	int	 hi, lo;

	if (hex.len != 2 * PRINT)
		return false;
	for (i = 0; i < PRINT; i++) {
		hi = text_hex(hex.ptr[2 * i]);
		lo = text_hex(hex.ptr[2 * i + 1]);
		if (hi == -1 || lo == -1)
			return false;
		out[i] = (unsigned char)(hi << 4 | lo);
	}
	return true;
}

static int
proofs_compare(const void *a, const void *b)
{
	const struct certificate	*x = a, *y = b;

	return memcmp(x->print, y->print, PRINT);
}

static void
proofs_add_certificates(struct proofs *p, struct user *u)
{
	const char	*words = u->extra;
	struct slice	 hex;

	while (extra_next(&words, "certificate", &hex)) {
		if (p->n == p->room) {
			p->room = p->room == 0 ? 16 : 2 * p->room;
			p->cert = xreallocarray(p->cert, p->room,
			    sizeof(*p->cert));
		}
		p->cert[p->n].user = u;
		if (proofs_print(hex, p->cert[p->n].print))
			p->n++;
	}
}

static void
proofs_count(struct proofs *p, const struct scram_keys *k)
{
	size_t	 i;

	for (i = 0; i < CLASSES && p->class[k->hash][i].n > 0; i++)
		if (p->class[k->hash][i].iterations == k->iterations &&
		    p->class[k->hash][i].salt_len == k->salt_len)
			break;
	if (i == CLASSES)
		return;
	p->class[k->hash][i].iterations = k->iterations;
	p->class[k->hash][i].salt_len = k->salt_len;
	p->class[k->hash][i].n++;
}

static bool
proofs_count_user(struct proofs *p, const struct user *u)
{
	struct scram_keys	 k;
	bool			 some = false;
	size_t			 i;

	if (!u->keyed && u->secret[0] != '{')
		return false;
	for (i = 0; i < SCRAM_HASHES; i++)
		if (user_scram(u, (enum scram_hash)i, &k)) {
			proofs_count(p, &k);
			some = true;
		}
	explicit_bzero(&k, sizeof(k));
	return some;
}

struct proofs *
proofs_new(struct user *user, size_t n)
{
	struct proofs	*p = xcalloc(1, sizeof(*p));
	size_t		 i, seen = 0;

	for (i = 0; i < n; i++) {
		if (user[i].certified)
			proofs_add_certificates(p, &user[i]);
		if (seen < SAMPLE)
			seen += proofs_count_user(p, &user[i]);
	}
	if (p->n > 0)
		qsort(p->cert, p->n, sizeof(*p->cert), proofs_compare);
	return p;
}

void
proofs_free(struct proofs *p)
{
	if (p == NULL)
		return;
	free(p->cert);
	free(p);
}

/* That of the i-th is nobody's. */
static void
proofs_revoke(struct proofs *p, size_t i)
{
	const struct certificate	 it = p->cert[i];

	while (i > 0 && proofs_compare(&p->cert[i - 1], &it) == 0)
		i--;
	for (; i < p->n && proofs_compare(&p->cert[i], &it) == 0; i++)
		p->cert[i].user = NULL;
}

const struct user *
proofs_twice(struct proofs *p)
{
	const struct user	*u;
	size_t			 i;

	for (i = 1; i < p->n; i++) {
		u = p->cert[i].user;
		if (proofs_compare(&p->cert[i - 1], &p->cert[i]) == 0 &&
		    p->cert[i - 1].user != u) {
			proofs_revoke(p, i);
			return u;
		}
	}
	return NULL;
}

struct user *
proofs_certificate(const struct proofs *p, const char *hex)
{
	struct certificate	 want, *got;

	if (p->n == 0 || !proofs_print(slice_str(hex), want.print))
		return NULL;
	got = bsearch(&want, p->cert, p->n, sizeof(*p->cert),
	    proofs_compare);
	return got == NULL ? NULL : got->user;
}

bool
proofs_typical(const struct proofs *p, enum scram_hash hash,
    uint32_t *iterations, size_t *salt_len)
{
	size_t	 i, best = 0;

	for (i = 1; i < CLASSES; i++)
		if (p->class[hash][i].n > p->class[hash][best].n)
			best = i;
	*iterations = p->class[hash][best].iterations;
	*salt_len = p->class[hash][best].salt_len;
	return p->class[hash][best].n > 0;
}

bool
user_scram(const struct user *u, enum scram_hash hash, struct scram_keys *k)
{
	static const char	*const keys[] = {
		[SCRAM_SHA_256] = "scram-sha-256",
		[SCRAM_SHA_1] = "scram-sha-1",
	};
	const char		*words = u->extra;
	struct slice		 value;

	if (secret_keys(u->secret, hash, k))
		return true;
	return u->keyed && extra_next(&words, keys[hash], &value) &&
	    scram_keys_parse(value, hash, k) == 0;
}

static bool
sender_is(struct slice pattern, const char *local, const char *domain)
{
	const char	*at = memrchr(pattern.ptr, '@', pattern.len);
	struct slice	 left, right;

	if (at == NULL)
		return false;
	left = (struct slice){ pattern.ptr, (size_t)(at - pattern.ptr) };
	right = (struct slice){ at + 1, pattern.len - left.len - 1 };
	return slice_is(right, domain) &&
	    (slice_eq(left, SLICE_LIT("*")) || slice_is(left, local));
}

bool
user_has_sender(const struct user *u, const char *local, const char *domain)
{
	const char	*words = u->extra, *comma;
	struct slice	 list, one;

	while (extra_next(&words, "senders", &list))
		while (list.len > 0) {
			comma = memchr(list.ptr, ',', list.len);
			one = list;
			if (comma != NULL)
				one.len = (size_t)(comma - list.ptr);
			if (sender_is(one, local, domain))
				return true;
			list.ptr += one.len + (comma != NULL);
			list.len -= one.len + (comma != NULL);
		}
	return false;
}
