/* Threads of one base subject become one (RFC 5256 3, REFERENCES step 5). */
#include "imap-session/thread_parts.h"

static struct slice
subject_of(const struct thread *t, uint32_t node)
{
	return thread_message_of(t, node)->subject;
}

static bool
is_reply(const struct thread *t, uint32_t node)
{
	return !thread_is_dummy(t, node) &&
	    t->message[t->node[node].message].reply;
}

/* (5)(B)(iv): is current the better one to stand for the subject? */
static bool
replaces(const struct thread *t, uint32_t current, uint32_t kept)
{
	if (thread_is_dummy(t, kept))
		return false;
	return thread_is_dummy(t, current) ||
	    (is_reply(t, kept) && !is_reply(t, current));
}

static void
fill_table(const struct thread *t, struct thread_table *subjects)
{
	struct thread_entry	*e;
	uint32_t		 node;

	for (node = t->node[0].child; node != 0; node = t->node[node].next) {
		if (subject_of(t, node).len == 0)
			continue;
		e = thread_table_at(subjects, subject_of(t, node));
		if (e->node == 0 || replaces(t, node, e->node))
			e->node = node;
	}
}

static void
move_children(struct thread *t, uint32_t from, uint32_t to)
{
	uint32_t	 child = t->node[from].child, next;

	t->node[from].child = t->node[from].last = 0;
	for (; child != 0; child = next) {
		next = t->node[child].next;
		thread_link(t, to, child);
	}
}

/*
 * A dummy with the entry's node as only child takes its place among the
 * siblings, and its number: what was at that number moves to a new one.
 */
static void
put_dummy_over(struct thread *t, const struct thread_entry *e)
{
	struct thread_node	*dummy;
	uint32_t		 moved, c;

	moved = thread_node(t, t->node[e->node].message);
	dummy = &t->node[e->node];
	t->node[moved].child = dummy->child;
	t->node[moved].last = dummy->last;
	for (c = dummy->child; c != 0; c = t->node[c].next)
		t->node[c].parent = moved;
	dummy->message = THREAD_DUMMY;
	dummy->child = dummy->last = 0;
	thread_link(t, e->node, moved);
}

/* (5)(C)(iv): node, which has been taken out of the root, joins the kept one. */
static void
merge(struct thread *t, struct thread_entry *e, uint32_t node)
{
	bool	 dummy = thread_is_dummy(t, node);

	if (thread_is_dummy(t, e->node)) {
		if (dummy)
			move_children(t, node, e->node);
		else
			thread_link(t, e->node, node);
	} else if (is_reply(t, node) && !is_reply(t, e->node)) {
		thread_link(t, e->node, node);
	} else {
		put_dummy_over(t, e);
		thread_link(t, e->node, node);
	}
}

void
thread_gather(struct thread *t)
{
	struct thread_table	 subjects;
	struct thread_entry	*e;
	uint32_t		 node, next;

	thread_table_init(&subjects);
	fill_table(t, &subjects);
	for (node = t->node[0].child; node != 0; node = next) {
		next = t->node[node].next;
		e = subject_of(t, node).len == 0 ? NULL :
		    thread_table_at(&subjects, subject_of(t, node));
		if (e == NULL || e->node == node)
			continue;
		thread_unlink(t, node);
		merge(t, e, node);
	}
	thread_table_free(&subjects);
}
