/*
 * Contract in once.h.  The first digits of a name say where in the ring it
 * stands, the others, 116 random bits, that it is the one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <openssl/crypto.h>

#include "authd/once.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"

#define PLACE_DIGITS	3		/* of 4096 */

struct once {
	void		(*drop)(void *);
	size_t		 next;
	struct {
		void	*thing;		/* NULL: empty */
		int64_t	 until;
		char	 name[AUTH_PASS_LEN + 1];
	}		 slot[ONCE_MAX];
};

struct once *
once_new(void (*drop)(void *))
{
	struct once	*o = xcalloc(1, sizeof(*o));

	o->drop = drop;
	return o;
}

static void
once_clear(struct once *o, size_t i)
{
	if (o->slot[i].thing != NULL)
		o->drop(o->slot[i].thing);
	explicit_bzero(&o->slot[i], sizeof(o->slot[i]));
}

void
once_free(struct once *o)
{
	size_t	 i;

	if (o == NULL)
		return;
	for (i = 0; i < ONCE_MAX; i++)
		once_clear(o, i);
	free(o);
}

void
once_put(struct once *o, void *thing, int64_t now,
    char name[AUTH_PASS_LEN + 1])
{
	unsigned char	 random[AUTH_PASS_LEN / 2];
	size_t		 i, at = o->next;

	arc4random_buf(random, sizeof(random));
	random[0] = (unsigned char)(at >> 4);
	random[1] = (unsigned char)((at & 15) << 4 | (random[1] & 15));
	for (i = 0; i < sizeof(random); i++)
		snprintf(name + 2 * i, 3, "%02x", random[i]);
	once_clear(o, at);
	o->slot[at].thing = thing;
	o->slot[at].until = now + ONCE_MS;
	memcpy(o->slot[at].name, name, AUTH_PASS_LEN + 1);
	o->next = (at + 1) % ONCE_MAX;
	explicit_bzero(random, sizeof(random));
}

/* ONCE_MAX: it is nowhere. */
static size_t
once_place(const struct once *o, const char *name, int64_t now)
{
	size_t	 at = 0;
	int	 i, v;

	if (strlen(name) != AUTH_PASS_LEN)
		return ONCE_MAX;
	for (i = 0; i < PLACE_DIGITS; i++) {
		if ((v = text_hex(name[i])) == -1)
			return ONCE_MAX;
		at = at << 4 | (size_t)v;
	}
	if (o->slot[at].thing == NULL || o->slot[at].until <= now ||
	    CRYPTO_memcmp(o->slot[at].name, name, AUTH_PASS_LEN) != 0)
		return ONCE_MAX;
	return at;
}

const void *
once_see(struct once *o, const char *name, int64_t now)
{
	size_t	 at = once_place(o, name, now);

	return at == ONCE_MAX ? NULL : o->slot[at].thing;
}

void *
once_take(struct once *o, const char *name, int64_t now)
{
	size_t	 at = once_place(o, name, now);
	void	*thing;

	if (at == ONCE_MAX)
		return NULL;
	thing = o->slot[at].thing;
	o->slot[at].thing = NULL;
	once_clear(o, at);
	return thing;
}
