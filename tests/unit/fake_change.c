/* What changes letters in memory; contracts in fake_store.h, folder.h. */
#include <errno.h>
#include <stdlib.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"
#include "lib/base/xmalloc.h"
#include "tests/unit/fake_store.h"

void
folder_result_free(struct folder_result *r)
{
	number_set_free(&r->changed);
	number_set_free(&r->failed);
	number_set_free(&r->gone);
}

/* Who changes letters: what others did before, and whether it fails. */
static int
fake_begin_change(struct folder_result *r)
{
	if (fake.at_store != NULL)
		fake.at_store();
	r->before = r->after = fake.state.modseq;
	errno = fake.store_errno;
	return errno == 0 ? 0 : -1;
}

static void
fake_change(struct letter *l, const struct folder_change *c,
    struct folder_result *r)
{
	uint32_t	 flags = c->flags, keywords = c->keywords;

	if (l->modseq > c->unchanged_since) {
		number_set_add(&r->failed, l->uid, l->uid);
		return;
	}
	if (c->op == FOLDER_ADD) {
		flags |= l->flags;
		keywords |= l->keywords;
	} else if (c->op == FOLDER_REMOVE) {
		flags = l->flags & ~flags;
		keywords = l->keywords & ~keywords;
	}
	if (flags == l->flags && keywords == l->keywords)
		return;
	l->flags = flags;
	l->keywords = keywords;
	l->modseq = r->after = fake.state.modseq = r->before + 1;
	number_set_add(&r->changed, l->uid, l->uid);
}

int
folder_expunge(struct folder *f, const struct number_set *uids,
    bool even_undeleted, struct folder_result *r)
{
	size_t	 i;

	(void)f;
	r->before = fake.state.modseq;
	for (i = fake.n; i-- > 0;)
		if ((uids == NULL ||
		    number_set_has(uids, fake.letter[i].uid)) &&
		    (even_undeleted ||
		    (fake.letter[i].flags & LETTER_DELETED))) {
			number_set_add(&r->gone, fake.letter[i].uid,
			    fake.letter[i].uid);
			fake_remove(fake.letter[i].uid);
		}
	r->after = fake.state.modseq;
	return 0;
}

int
folder_store(struct folder *f, const struct number_set *uids,
    const struct folder_change *c, struct folder_result *r)
{
	uint32_t	 uid;
	struct letter	*l;

	(void)f;
	if (fake_begin_change(r) == -1)
		return -1;
	for (uid = number_set_next(uids, 1); uid != 0;
	    uid = number_set_next(uids, uid + 1)) {
		if ((l = fake_find(uid)) == NULL)
			number_set_add(&r->gone, uid, uid);
		else
			fake_change(l, c, r);
	}
	return 0;
}

/* Into the only mailbox there is. */
int
folder_copy(struct folder *from, const struct number_set *uids,
    struct folder *to, bool move, struct folder_copied *c)
{
	uint32_t	 uid;
	struct letter	*l;

	(void)to;
	c->validity = fake.state.validity;
	c->from = xcalloc(FAKE_MAX, sizeof(*c->from));
	c->to = xcalloc(FAKE_MAX, sizeof(*c->to));
	if (fake_begin_change(&c->source) == -1)
		return -1;
	for (uid = number_set_next(uids, 1); uid != 0;
	    uid = number_set_next(uids, uid + 1)) {
		if ((l = fake_find(uid)) == NULL)
			continue;
		c->from[c->n] = uid;
		c->to[c->n++] = fake.state.next;
		fake_deliver_text(l->flags, fake.text[uid - 1]);
	}
	return move ? folder_expunge(from, uids, true, &c->source) : 0;
}

void
folder_copied_free(struct folder_copied *c)
{
	free(c->from);
	free(c->to);
	folder_result_free(&c->source);
}

struct folder_append {
	struct {
		uint32_t	 flags, keywords;
		int64_t		 date;
		struct buf	 text;
	}	 message[FAKE_MAX];
	size_t	 n;
};

struct folder_append *
folder_append_new(struct folder *f)
{
	(void)f;
	return xcalloc(1, sizeof(struct folder_append));
}

int
folder_append_begin(struct folder_append *a, uint32_t flags,
    uint32_t keywords, int64_t date)
{
	a->message[a->n].flags = flags;
	a->message[a->n].keywords = keywords;
	a->message[a->n].date = date;
	buf_init(&a->message[a->n++].text, 1 << 20);
	return 0;
}

int
folder_append_data(struct folder_append *a, const void *data, size_t len)
{
	const char	*p = data;
	size_t		 i;

	errno = fake.store_errno;
	if (errno != 0)
		return -1;
	for (i = 0; i < len; i++)
		if (p[i] != '\r' && buf_addc(&a->message[a->n - 1].text,
		    p[i]) == -1)
			return -1;
	return 0;
}

int
folder_append_end(struct folder_append *a)
{
	(void)a;
	return 0;
}

int
folder_append_commit(struct folder_append *a, uint32_t *validity,
    uint32_t *first)
{
	struct letter	*l;
	size_t		 i;

	*validity = fake.state.validity;
	*first = fake.state.next;
	for (i = 0; i < a->n; i++) {
		fake_deliver_text(a->message[i].flags,
		    buf_cstr(&a->message[i].text));
		l = &fake.letter[fake.n - 1];
		l->keywords = a->message[i].keywords;
		if (a->message[i].date != LETTER_UNDATED)
			l->saved = a->message[i].date;
	}
	folder_append_abort(a);
	return 0;
}

void
folder_append_abort(struct folder_append *a)
{
	size_t	 i;

	for (i = 0; i < a->n; i++)
		buf_free(&a->message[i].text);
	free(a);
}
