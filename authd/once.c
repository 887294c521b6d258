/*
 * Contract in once.h.  The first digits of a name say where in the rings it
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

#define SLOTS		(ONCE_GROUPS * ONCE_EACH)
#define PLACE_DIGITS	3		/* of 4096 */

struct once {
	void		(*drop)(void *);
	size_t		 next[ONCE_GROUPS];
	struct {
		void	*thing;		/* NULL: empty */
		int64_t	 until;
		char	 name[AUTH_PASS_LEN + 1];
	}		 slot[SLOTS];
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
	for (i = 0; i < SLOTS; i++)
		once_clear(o, i);
	free(o);
}

void
once_put(struct once *o, void *thing, uint64_t client, int64_t now,
    char name[AUTH_PASS_LEN + 1])
{
	unsigned char	 random[AUTH_PASS_LEN / 2];
	size_t		 group = client % ONCE_GROUPS, i;
	size_t		 at = group * ONCE_EACH + o->next[group];

	arc4random_buf(random, sizeof(random));
	random[0] = (unsigned char)(at >> 4);
	random[1] = (unsigned char)((at & 15) << 4 | (random[1] & 15));
	for (i = 0; i < sizeof(random); i++)
		snprintf(name + 2 * i, 3, "%02x", random[i]);
	once_clear(o, at);
	o->slot[at].thing = thing;
	o->slot[at].until = now + ONCE_MS;
	memcpy(o->slot[at].name, name, AUTH_PASS_LEN + 1);
	o->next[group] = (o->next[group] + 1) % ONCE_EACH;
	explicit_bzero(random, sizeof(random));
}

/* SLOTS: it is nowhere. */
static size_t
once_place(const struct once *o, const char *name, int64_t now)
{
	size_t	 at = 0;
	int	 i, v;

	if (strlen(name) != AUTH_PASS_LEN)
		return SLOTS;
	for (i = 0; i < PLACE_DIGITS; i++) {
		if ((v = text_hex(name[i])) == -1)
			return SLOTS;
		at = at << 4 | (size_t)v;
	}
	if (o->slot[at].thing == NULL || o->slot[at].until <= now ||
	    CRYPTO_memcmp(o->slot[at].name, name, AUTH_PASS_LEN) != 0)
		return SLOTS;
	return at;
}

const void *
once_see(struct once *o, const char *name, int64_t now)
{
	size_t	 at = once_place(o, name, now);

	return at == SLOTS ? NULL : o->slot[at].thing;
}

void *
once_take(struct once *o, const char *name, int64_t now)
{
	size_t	 at = once_place(o, name, now);
	void	*thing;

	if (at == SLOTS)
		return NULL;
	thing = o->slot[at].thing;
	o->slot[at].thing = NULL;
	once_clear(o, at);
	return thing;
}
