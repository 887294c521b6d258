/*
 * Facts: read from the index, and kept in memory until there are enough to be
 * written in one transaction.  Contract in folder.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xmalloc.h"
#include "lib/store/folder_parts.h"

#define FLUSH_OCTETS	(1024 * 1024)
#define FLUSH_FACTS	4096

/* The latest of the same kind that is not written yet. */
static const struct folder_fact *
pending(const struct folder *f, uint32_t uid, unsigned int kind)
{
	size_t	 i;

	for (i = f->nfact; i-- > 0;)
		if (f->fact[i].uid == uid && f->fact[i].kind == kind)
			return &f->fact[i];
	return NULL;
}

int
folder_fact(struct folder *f, uint32_t uid, unsigned int kind,
    struct buf *out)
{
	const struct folder_fact	*p = pending(f, uid, kind);
	struct index_txn		*t;
	struct slice			 data;
	unsigned int			 tries = 0;
	size_t				 was = out->len;
	int				 r;

	if (p != NULL)
		return buf_add(out, f->fact_data.ptr + p->at, p->len) == -1 ?
		    -1 : 1;
	do {
		buf_cut(out, was);
		if ((t = folder_read(f)) == NULL)
			return -1;
		r = index_fact(t, f->validity, uid, kind, &data);
		if (r == 1 && buf_add(out, data.ptr, data.len) == -1) {
			index_abort(t);
			errno = EMSGSIZE;
			return -1;
		}
	} while (folder_again(f, t, r, &tries));
	return r;
}

struct each {
	int	(*fn)(uint32_t uid, struct slice, void *);
	void	*arg;
	int	 r;
};

/* What fn returns is not to be taken for the index's failure. */
static int
each_fact(uint32_t uid, struct slice data, void *arg)
{
	struct each	*e = arg;

	e->r = e->fn(uid, data, e->arg);
	return e->r != 0;
}

int
folder_facts(struct folder *f, unsigned int kind,
    const struct number_set *uids,
    int (*fn)(uint32_t uid, struct slice, void *), void *arg)
{
	struct each		 e = { fn, arg, 0 };
	struct index_txn	*t;
	int			 r;

	folder_facts_flush(f);
	if ((t = folder_read(f)) == NULL)
		return -1;
	/* Not again after a failure: fn has had some of them. */
	r = index_facts(t, f->validity, kind, uids, each_fact, &e);
	if (r == -1) {
		folder_index_failed(f, t);
		return -1;
	}
	index_abort(t);
	return e.r;
}

void
folder_fact_put(struct folder *f, uint32_t uid, unsigned int kind,
    struct slice data)
{
	struct folder_fact	*p;

	if (f->nfact == f->fact_room) {
		f->fact_room = f->fact_room == 0 ? 64 : f->fact_room * 2;
		f->fact = xreallocarray(f->fact, f->fact_room,
		    sizeof(*f->fact));
	}
	p = &f->fact[f->nfact];
	p->uid = uid;
	p->kind = kind;
	p->at = f->fact_data.len;
	p->len = data.len;
	/* What is too large to be kept is made again when it is wanted. */
	if (buf_add(&f->fact_data, data.ptr, data.len) == -1)
		return;
	f->nfact++;
	if (f->fact_data.len >= FLUSH_OCTETS || f->nfact >= FLUSH_FACTS)
		folder_facts_flush(f);
}

static int
by_uid(const void *va, const void *vb)
{
	const struct folder_fact	*a = va, *b = vb;

	if (a->uid != b->uid)
		return a->uid < b->uid ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return (a->at > b->at) - (a->at < b->at);
}

/* Facts of letters that are gone meanwhile would stay for ever. */
static int
write_facts(struct folder *f, struct index_txn *t)
{
	const struct folder_fact	*p;
	struct letter			 l;
	uint32_t			 last = 0;
	size_t				 i;
	int				 there = 0;

	for (i = 0; i < f->nfact; i++) {
		p = &f->fact[i];
		if (p->uid != last && (there = index_letter(t, f->validity,
		    p->uid, &l)) == -1)
			return -1;
		last = p->uid;
		if (there == 1 && index_fact_put(t, f->validity, p->uid,
		    p->kind, (struct slice){ f->fact_data.ptr + p->at,
		    p->len }) == -1)
			return -1;
	}
	return 0;
}

void
folder_facts_flush(struct folder *f)
{
	struct index_txn	*t;
	struct index		*ix;
	int			 saved = errno;

	if (f->nfact == 0)
		return;
	qsort(f->fact, f->nfact, sizeof(*f->fact), by_uid);
	if ((ix = account_index(f->account)) != NULL) {
		if ((t = index_begin(ix, true)) == NULL)
			folder_index_failed(f, NULL);
		else if (write_facts(f, t) == -1)
			folder_index_failed(f, t);
		else if (index_commit(t) == -1)
			folder_index_failed(f, NULL);
	}
	f->nfact = 0;
	buf_clear(&f->fact_data);
	errno = saved;
}
