/*
 * A few hundred letters at a time: read with their names, changed on disk by
 * others, written back in one transaction. Each transaction has a modseq of
 * its own: who read the index between two of them must see the second as news.
 */
#include <stdio.h>
#include <string.h>

#include "lib/store/folder_parts.h"

struct load {
	const struct number_set	*uids;
	uint32_t		 flags;
	uint32_t		 from;
	struct folder_batch	*b;
	size_t			 at;
};

static bool
is_wanted(const struct load *k, const struct letter *l)
{
	return l->uid >= k->from &&
	    (k->uids == NULL || number_set_has(k->uids, l->uid)) &&
	    (k->flags == 0 || (l->flags & k->flags) != 0);
}

static int
load_piece(const struct index_piece *p, void *arg)
{
	struct load	*k = arg;
	size_t		 i;

	for (i = 0; i < p->n; i++) {
		if (!is_wanted(k, &p->letter[i]))
			continue;
		if (k->b->n == FOLDER_BATCH)
			return 1;
		k->b->letter[k->b->n++] = p->letter[i];
	}
	return 0;
}

static int
load_name(uint32_t uid, const char *name, void *arg)
{
	struct load	*k = arg;

	if (uid < k->b->letter[k->at].uid)
		return 0;
	if (uid == k->b->letter[k->at].uid)
		snprintf(k->b->name[k->at], sizeof(k->b->name[0]), "%s", name);
	return ++k->at == k->b->n;
}

static int
load(struct folder *f, struct index_txn *t, struct load *k, uint32_t last)
{
	struct folder_batch	*b = k->b;
	int			 r;

	b->n = k->at = 0;
	r = index_walk(t, f->validity, k->from, last, 0, load_piece, k);
	if (r == -1 || b->n == 0)
		return r;
	memset(b->name, 0, b->n * sizeof(b->name[0]));
	if (index_names(t, f->validity, b->letter[0].uid,
	    b->letter[b->n - 1].uid, load_name, k) == -1)
		return -1;
	return r;
}

int
folder_batch_load(struct folder *f, const struct number_set *uids,
    uint32_t flags, uint32_t *from, struct folder_batch *b)
{
	struct load	 k = { .uids = uids, .flags = flags, .b = b };
	struct index_txn *t;
	uint32_t	 last = UINT32_MAX;
	unsigned int	 tries = 0;
	int		 r;

	b->n = b->ndone = 0;
	number_set_clear(&b->removed);
	k.from = *from;
	if (uids != NULL) {
		k.from = *from == 0 ? 0 : number_set_next(uids, *from);
		last = uids->n == 0 ? 0 : uids->range[uids->n - 1].last;
	}
	*from = 0;
	if (k.from == 0)
		return 0;
	do {
		if ((t = folder_read(f)) == NULL)
			return -1;
		r = load(f, t, &k, last);
	} while (folder_again(f, t, r, &tries));
	if (r == 1)
		*from = b->letter[b->n - 1].uid + 1;
	return r == -1 ? -1 : 0;
}

struct changes {
	const struct folder_own	*own;
	struct letter		*letter;
	const char *const	*name;
	size_t			 n;
	const struct number_set	*removed;	/* NULL: none */
};

static int
write_changes(struct folder *f, struct index_txn *t, struct changes *c)
{
	struct index_head	 h;
	uint64_t		 modseq;
	size_t			 i;
	int			 r;

	/* A mailbox nobody has opened yet needs no entries. */
	if ((r = index_head(t, f->validity, &h)) != 1)
		return r;
	modseq = folder_next_modseq(f->held, &h);
	for (i = 0; i < c->n; i++)
		c->letter[i].modseq = modseq;
	if (c->n > 0 && index_put(t, f->validity, c->letter, c->name,
	    c->n) == -1)
		return -1;
	if (c->removed != NULL && c->removed->n > 0 &&
	    index_remove(t, f->validity, c->removed, modseq) == -1)
		return -1;
	if (h.next < f->held->next)
		h.next = f->held->next;
	folder_end_own(f, c->own, &h);
	return index_head_put(t, &h);
}

void
folder_write(struct folder *f, const struct folder_own *own,
    struct letter *l, const char *const *name, size_t n,
    const struct number_set *removed)
{
	struct changes		 c = { own, l, name, n, removed };
	struct index_txn	*t;
	struct index		*ix;

	if ((ix = account_index(f->account)) == NULL)
		return;
	/* The next reading of the directories puts right what fails here. */
	if ((t = index_begin(ix, true)) == NULL)
		folder_index_failed(f, NULL);
	else if (write_changes(f, t, &c) == -1)
		folder_index_failed(f, t);
	else if (index_commit(t) == -1)
		folder_index_failed(f, NULL);
}

void
folder_batch_write(struct folder *f, const struct folder_own *own,
    struct folder_batch *b)
{
	const char	*name[FOLDER_BATCH];
	size_t		 i;

	for (i = 0; i < b->ndone; i++)
		name[i] = b->to[i];
	if (b->ndone > 0 || b->removed.n > 0)
		folder_write(f, own, b->done, name, b->ndone, &b->removed);
}

int
folder_modseq(struct folder *f, uint64_t *modseq)
{
	struct index_head	 h;

	if (folder_read_head(f, &h) == -1)
		return -1;
	*modseq = h.modseq > h.forgotten ? h.modseq : h.forgotten;
	return 0;
}
