/*
 * THREAD=REFERENCES (RFC 5256 3, the steps are numbered as there).  Walks go by
 * the nodes' links, not by recursion: a thread may be as deep as a mailbox is
 * large.
 */

#include "imap-session/thread_parts.h"
#include "lib/base/text.h"

/* --- (1) links ------------------------------------------------------------------ */

/*
 * Is node above or the same as below?  Nodes without children are above none, and
 * that is what new ones are.
 */
static bool
is_above(const struct thread *t, uint32_t node, uint32_t below)
{
	if (node == below)
		return true;
	if (t->node[node].child == 0)
		return false;
	while (below != 0 && below != node)
		below = t->node[below].parent;
	return below == node;
}

/* The node of an id, new if there is none. */
static uint32_t
node_of(struct thread *t, struct thread_table *ids, struct slice id)
{
	struct thread_entry	*e = thread_table_at(ids, id);

	if (e->node == 0)
		e->node = thread_node(t, THREAD_DUMMY);
	return e->node;
}

/* (1)(A): the last one's node; 0 when there are none. */
static uint32_t
link_references(struct thread *t, struct thread_table *ids,
    struct slice references)
{
	struct slice	 id;
	uint32_t	 parent = 0, node;

	while (text_next_line(&references, &id)) {
		node = node_of(t, ids, id);
		if (parent != 0 && t->node[node].parent == 0 &&
		    !is_above(t, node, parent))
			thread_link(t, parent, node);
		parent = node;
	}
	return parent;
}

/*
 * The message's own node.  An id that another message has already is none (RFC
 * 5256 2.2), and so is an empty one.
 */
static uint32_t
own_node(struct thread *t, struct thread_table *ids, uint32_t message)
{
	struct slice	 id = t->message[message].id;
	uint32_t	 node;

	if (id.len == 0)
		return thread_node(t, message);
	node = node_of(t, ids, id);
	if (!thread_is_dummy(t, node))
		return thread_node(t, message);
	t->node[node].message = message;
	return node;
}

/* (1)(B) */
static void
link_message(struct thread *t, struct thread_table *ids, uint32_t message)
{
	uint32_t	 node, parent;

	node = own_node(t, ids, message);
	parent = link_references(t, ids, t->message[message].references);
	if (t->node[node].parent != 0) {
		if (t->node[node].parent == parent)
			return;
		thread_unlink(t, node);
	}
	if (parent != 0 && !is_above(t, node, parent))
		thread_link(t, parent, node);
}

/* --- (2), (3) ---------------------------------------------------------------------- */

/* The next one of a walk in which parents come after their children. */
static uint32_t
next_after(const struct thread *t, uint32_t node)
{
	uint32_t	 next = t->node[node].next;

	if (next == 0)
		return t->node[node].parent;
	while (t->node[next].child != 0)
		next = t->node[next].child;
	return next;
}

static uint32_t
first_of(const struct thread *t, uint32_t top)
{
	while (t->node[top].child != 0)
		top = t->node[top].child;
	return top;
}

/*
 * Give the children of a node anew: those of its dummies are lifted.  Its children
 * were seen to before, so none of these dummies has dummies below.
 */
static void
lift(struct thread *t, uint32_t node)
{
	uint32_t	 child, next, below, after;
	bool		 root = node == 0;

	child = t->node[node].child;
	t->node[node].child = t->node[node].last = 0;
	for (; child != 0; child = next) {
		next = t->node[child].next;
		below = t->node[child].child;
		if (!thread_is_dummy(t, child)) {
			thread_link(t, node, child);
		} else if (below == 0) {
			continue;	/* (3): without children it goes */
		} else if (root && t->node[below].next != 0) {
			thread_link(t, node, child);
		} else {
			for (; below != 0; below = after) {
				after = t->node[below].next;
				thread_link(t, node, below);
			}
		}
	}
}

static void
prune(struct thread *t)
{
	uint32_t	 node, next;

	for (node = first_of(t, 0); node != 0; node = next) {
		lift(t, node);
		next = next_after(t, node);
	}
	lift(t, 0);
}

/* (2): those without a parent become the root's, in order. */
static void
gather_tops(struct thread *t)
{
	uint32_t	 i, n = t->n;

	for (i = 1; i < n; i++)
		if (t->node[i].parent == 0)
			thread_link(t, 0, i);
}

/* --- (6) ------------------------------------------------------------------------------ */

/* The deepest siblings first. */
static void
sort_all(struct thread *t)
{
	uint32_t	 node;

	for (node = first_of(t, 0); node != 0;
	    node = next_after(t, node))
		if (t->node[node].child != 0)
			thread_sort_children(t, node);
	thread_sort_children(t, 0);
}

void
thread_references(struct thread *t, const struct thread_message *message,
    size_t n)
{
	struct thread_table	 ids;
	uint32_t		 i, node;

	thread_begin(t, message, n);
	thread_table_init(&ids);
	for (i = 0; i < n; i++)
		link_message(t, &ids, i);
	thread_table_free(&ids);
	gather_tops(t);
	prune(t);
	/* (4): a dummy counts by the first of its children. */
	for (node = t->node[0].child; node != 0; node = t->node[node].next)
		if (thread_is_dummy(t, node))
			thread_sort_children(t, node);
	thread_sort_children(t, 0);
	thread_gather(t);
	sort_all(t);
}
