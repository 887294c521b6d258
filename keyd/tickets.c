/* Contract in tickets.h. */
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#include "keyd/tickets.h"
#include "lib/base/log.h"

struct ticket_key {
	int64_t		 turn;	/* for new tickets until then */
	int64_t		 end;	/* good until then; 0: there is none */
	unsigned char	 name[KEY_TICKET_NAME];
	unsigned char	 aes[KEY_TICKET_AES];
	unsigned char	 hmac[KEY_TICKET_HMAC];
};

struct tickets {
	struct ticket_key	 now, old;
	int64_t			 life;	/* milliseconds */
};

int64_t
tickets_now(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
make(struct tickets *t, int64_t now)
{
	t->now.turn = now + t->life / 2;
	t->now.end = now + t->life;
	arc4random_buf(t->now.name, sizeof(t->now.name));
	arc4random_buf(t->now.aes, sizeof(t->now.aes));
	arc4random_buf(t->now.hmac, sizeof(t->now.hmac));
}

struct tickets *
tickets_new(unsigned int life, int64_t now)
{
	struct tickets	*t;

	/* In pages of its own, for mlock(2) and madvise(2). */
	t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (t == MAP_FAILED)
		fatal("event=out-of-memory");
	if (mlock(t, sizeof(*t)) == -1)
		log_warn("event=not-locked what=\"keys of tickets\"");
	(void)madvise(t, sizeof(*t), MADV_DONTDUMP);
	t->life = (int64_t)life * 1000;
	make(t, now);
	return t;
}

void
tickets_free(struct tickets *t)
{
	if (t == NULL)
		return;
	explicit_bzero(t, sizeof(*t));
	munmap(t, sizeof(*t));
}

static void
shorten(struct ticket_key *k, int64_t turn, int64_t end)
{
	if (k->turn > turn)
		k->turn = turn;
	if (k->end > end)
		k->end = end;
}

void
tickets_set_life(struct tickets *t, unsigned int life, int64_t now)
{
	t->life = (int64_t)life * 1000;
	shorten(&t->now, now + t->life / 2, now + t->life);
	shorten(&t->old, now + t->life / 2, now + t->life);
}

int64_t
tickets_turn(struct tickets *t, int64_t now)
{
	int64_t	 next;

	if (now >= t->now.turn) {
		/* After a long sleep both may be over. */
		t->old = t->now;
		make(t, now);
	}
	if (t->old.end != 0 && now >= t->old.end)
		explicit_bzero(&t->old, sizeof(t->old));
	next = t->now.turn;
	if (t->old.end != 0 && t->old.end < next)
		next = t->old.end;
	return next - now;
}

void
tickets_get(struct tickets *t, const unsigned char *name, int64_t now,
    struct key_ticket *out)
{
	const struct ticket_key	*k = &t->now;
	int64_t			 fresh, left;

	memset(out, 0, sizeof(*out));
	(void)tickets_turn(t, now);
	if (name != NULL && memcmp(name, k->name, sizeof(k->name)) != 0)
		k = &t->old;
	if (k->end == 0 ||
	    (name != NULL && memcmp(name, k->name, sizeof(k->name)) != 0))
		return;
	/* Rounded so that nobody keeps it too long, nor asks all the time. */
	left = (k->end - now) / 1000;
	fresh = k == &t->now ? (k->turn - now + 999) / 1000 : 0;
	if (left == 0)
		return;
	out->known = true;
	out->left = (unsigned int)left;
	out->fresh = (unsigned int)(fresh < left ? fresh : left);
	memcpy(out->name, k->name, sizeof(out->name));
	memcpy(out->aes, k->aes, sizeof(out->aes));
	memcpy(out->hmac, k->hmac, sizeof(out->hmac));
}
