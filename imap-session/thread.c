/* Contracts in thread.h and thread_parts.h: trees, ORDEREDSUBJECT, writing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imap-session/thread_parts.h"
#include "lib/base/xmalloc.h"

void
thread_begin(struct thread *t, const struct thread_message *message, size_t n)
{
	memset(t, 0, sizeof(*t));
	t->message = message;
	t->nmessages = (uint32_t)n;
	(void)thread_node(t, THREAD_DUMMY);	/* the root */
}

void
thread_free(struct thread *t)
{
	free(t->node);
	memset(t, 0, sizeof(*t));
}

uint32_t
thread_node(struct thread *t, uint32_t message)
{
	if (t->n == t->room) {
		t->room = t->room == 0 ? 256 : 2 * t->room;
		t->node = xreallocarray(t->node, t->room, sizeof(t->node[0]));
	}
	t->node[t->n] = (struct thread_node){ .message = message };
	return t->n++;
}

void
thread_link(struct thread *t, uint32_t parent, uint32_t node)
{
	struct thread_node	*p = &t->node[parent], *c = &t->node[node];

	c->parent = parent;
	c->next = 0;
	c->before = p->child == 0 ? 0 : p->last;
	if (p->child == 0)
		p->child = node;
	else
		t->node[p->last].next = node;
	p->last = node;
}

void
thread_unlink(struct thread *t, uint32_t node)
{
	struct thread_node	*c = &t->node[node], *p;

	p = &t->node[c->parent];
	if (c->before == 0)
		p->child = c->next;
	else
		t->node[c->before].next = c->next;
	if (c->next == 0)
		p->last = c->before;
	else
		t->node[c->next].before = c->before;
	c->parent = c->next = c->before = 0;
}

bool
thread_is_dummy(const struct thread *t, uint32_t node)
{
	return t->node[node].message == THREAD_DUMMY;
}

const struct thread_message *
thread_message_of(const struct thread *t, uint32_t node)
{
	while (thread_is_dummy(t, node))
		node = t->node[node].child;
	return &t->message[t->node[node].message];
}

static int
compare_dates(const struct thread_message *a, const struct thread_message *b)
{
	if (a->date != b->date)
		return a->date < b->date ? -1 : 1;
	return (a->number > b->number) - (a->number < b->number);
}

static int
compare_nodes(const void *x, const void *y, void *arg)
{
	return compare_dates(thread_message_of(arg, *(const uint32_t *)x),
	    thread_message_of(arg, *(const uint32_t *)y));
}

/* Are they in order already?  Mostly. */
static bool
in_order(struct thread *t, uint32_t first)
{
	uint32_t	 i;

	for (i = first; i != 0 && t->node[i].next != 0; i = t->node[i].next)
		if (compare_nodes(&i, &t->node[i].next, t) > 0)
			return false;
	return true;
}

void
thread_sort_children(struct thread *t, uint32_t node)
{
	uint32_t	*list, i, n = 0;

	if (in_order(t, t->node[node].child))
		return;
	for (i = t->node[node].child; i != 0; i = t->node[i].next)
		n++;
	list = xreallocarray(NULL, n, sizeof(*list));
	for (n = 0, i = t->node[node].child; i != 0; i = t->node[i].next)
		list[n++] = i;
	qsort_r(list, n, sizeof(*list), compare_nodes, t);
	t->node[node].child = t->node[node].last = 0;
	for (i = 0; i < n; i++)
		thread_link(t, node, list[i]);
	free(list);
}

/* --- ORDEREDSUBJECT ----------------------------------------------------------- */

static int
compare_subjects(const void *x, const void *y, void *arg)
{
	const struct thread_message	*m = arg;
	const struct thread_message	*a = &m[*(const uint32_t *)x];
	const struct thread_message	*b = &m[*(const uint32_t *)y];
	int				 d;

	d = slice_compare(a->subject, b->subject);
	return d != 0 ? d : compare_dates(a, b);
}

void
thread_ordered_subject(struct thread *t, const struct thread_message *m,
    size_t n)
{
	uint32_t	*list, i, node, first = 0, top = 0;

	thread_begin(t, m, n);
	list = xreallocarray(NULL, n + 1, sizeof(*list));
	for (i = 0; i < n; i++)
		list[i] = i;
	qsort_r(list, n, sizeof(*list), compare_subjects,
	    (void *)(uintptr_t)m);
	for (i = 0; i < n; i++) {
		node = thread_node(t, list[i]);
		if (i > 0 && slice_eq(m[list[i]].subject,
		    m[first].subject)) {
			thread_link(t, top, node);
		} else {
			first = list[i];
			top = node;
			thread_link(t, 0, node);
		}
	}
	free(list);
	thread_sort_children(t, 0);
}

/* --- writing ------------------------------------------------------------------- */

struct writer {
	const struct thread	*t;
	void			(*put)(void *, const char *, size_t);
	void			*arg;
};

static void
put_number(const struct writer *w, uint32_t node)
{
	char		 digits[16], *p = digits + sizeof(digits);
	uint32_t	 v = w->t->message[w->t->node[node].message].number;

	do
		*--p = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	w->put(w->arg, p, (size_t)(digits + sizeof(digits) - p));
}

/*
 * Each of several siblings stands in parentheses, and so does each thread; an
 * only child does not (RFC 5256 4, thread-list).
 */
static bool
has_parentheses(const struct thread *t, uint32_t node)
{
	uint32_t	 parent = t->node[node].parent;

	return parent == 0 || t->node[parent].child != node ||
	    t->node[node].next != 0;
}

static void
enter(const struct writer *w, uint32_t node)
{
	const struct thread	*t = w->t;
	uint32_t		 parent = t->node[node].parent;
	bool			 first = t->node[parent].child == node;

	if (parent != 0 && first && !thread_is_dummy(t, parent))
		w->put(w->arg, " ", 1);
	if (has_parentheses(t, node))
		w->put(w->arg, "(", 1);
	if (!thread_is_dummy(t, node))
		put_number(w, node);
}

void
thread_put(const struct thread *t, void (*put)(void *, const char *, size_t),
    void *arg)
{
	struct writer	 w = { t, put, arg };
	uint32_t	 node = t->node[0].child;

	if (node == 0)
		return;
	put(arg, " ", 1);
	enter(&w, node);
	for (;;) {
		if (t->node[node].child != 0) {
			node = t->node[node].child;
			enter(&w, node);
			continue;
		}
		while (node != 0) {
			if (has_parentheses(t, node))
				put(arg, ")", 1);
			if (t->node[node].next != 0)
				break;
			node = t->node[node].parent;
		}
		if (node == 0)
			return;
		node = t->node[node].next;
		enter(&w, node);
	}
}
