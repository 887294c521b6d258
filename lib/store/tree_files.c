/* The small files beside the mailboxes: subscriptions, special uses. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/mail/mailbox_name.h"
#include "lib/store/tree_parts.h"
#include "lib/store/wake.h"

#define SUBSCRIPTIONS	"subscriptions"
#define SPECIAL		"special-use"
/* First lines of Dovecot's present format, see name_of_line(). */
#define VERSION_2	"V\t2\n\n"
#define IS_VERSION(s)	((s).len >= 2 && memcmp((s).ptr, "V\t", 2) == 0)

int
tree_file_read(const struct account *a, const char *file, struct buf *out)
{
	if (io_read_file(a->maildirfd, file, out) == -1 && errno != ENOENT)
		return -1;
	return 0;
}

int
tree_file_write(const struct account *a, const char *file, struct slice text)
{
	char	 path[4096];

	if (snprintf(path, sizeof(path), "%s/%s", a->maildir, file) >=
	    (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return io_replace_file(path, text.ptr == NULL ? "" : text.ptr,
	    text.len, 0600);
}

/*
 * A line of the subscriptions: levels of the name on disk, separated by tabs
 * (after VERSION_2) or by dots.
 */
static bool
name_of_line(struct slice line, struct buf *name)
{
	char	 dir[MAILBOX_DIR_MAX + 1];
	size_t	 i;

	if (slice_is(line, "INBOX"))
		return buf_addstr(name, "INBOX") == 0;
	if (line.len == 0 || line.len >= MAILBOX_DIR_MAX)
		return false;
	dir[0] = '.';
	for (i = 0; i < line.len; i++)
		dir[i + 1] = line.ptr[i] == '\t' ? '.' : line.ptr[i];
	dir[i + 1] = '\0';
	return strlen(dir) == i + 1 && mailbox_name_from_dir(dir, name) == 0;
}

static int
subscribed_in(struct slice text, int (*fn)(struct slice name, void *),
    void *arg)
{
	struct slice	 line;
	struct buf	 name;
	int		 r = 0;

	if (IS_VERSION(text))
		text_next_line(&text, &line);
	buf_init(&name, MAILBOX_NAME_MAX);
	while (r == 0 && text_next_line(&text, &line)) {
		buf_clear(&name);
		if (name_of_line(line, &name))
			r = fn(buf_slice(&name), arg);
	}
	buf_free(&name);
	return r;
}

int
tree_subscribed(struct account *a, int (*fn)(struct slice, void *), void *arg)
{
	struct buf	 text;
	int		 r;

	buf_init(&text, TREE_FILE_MAX);
	if ((r = tree_file_read(a, SUBSCRIPTIONS, &text)) == 0)
		r = subscribed_in(buf_slice(&text), fn, arg);
	buf_free(&text);
	return r;
}

struct rewrite {
	struct slice	 name;		/* that changes */
	struct buf	 out;
	bool		 had;
};

static int
add_name(struct slice name, struct buf *out)
{
	char	 dir[MAILBOX_DIR_MAX + 1], *p;

	if (tree_dir(name, dir) == -1)
		return -1;
	if (strcmp(dir, ".") == 0)
		return buf_addstr(out, "INBOX\n");
	for (p = dir + 1; *p != '\0'; p++)
		if (*p == '.')
			*p = '\t';
	return buf_addf(out, "%s\n", dir + 1);
}

static int
keep_others(struct slice name, void *arg)
{
	struct rewrite	*w = arg;

	if (slice_eq(name, w->name)) {
		w->had = true;
		return 0;
	}
	return add_name(name, &w->out);
}

/* With the lock held. */
static int
rewrite_subscriptions(struct account *a, struct slice name, bool on)
{
	struct rewrite	 w = { .name = name };
	int		 r;

	buf_init(&w.out, TREE_FILE_MAX);
	r = buf_addstr(&w.out, VERSION_2);
	if (r == 0)
		r = tree_subscribed(a, keep_others, &w);
	if (r == 0 && on)
		r = add_name(name, &w.out);
	if (r == 0 && w.had != on)
		r = tree_file_write(a, SUBSCRIPTIONS, buf_slice(&w.out));
	else if (r == -1 && errno == EMSGSIZE)
		errno = ENOSPC;
	buf_free(&w.out);
	return r;
}

int
tree_subscribe(struct account *a, struct slice name, bool on)
{
	char	 dir[MAILBOX_DIR_MAX + 1];
	int	 lock, r;

	if (tree_dir(name, dir) == -1 || (lock = tree_lock(a)) == -1)
		return -1;
	r = rewrite_subscriptions(a, name, on);
	io_close(lock);
	if (r == 0)
		wake_send(a->homefd, "*");
	return r;
}

/* --- special uses: lines "Use .Directory" --------------------------------- */

static const struct {
	const char	*word;
	unsigned int	 use;
} uses[] = {
	{ "All", TREE_ALL }, { "Archive", TREE_ARCHIVE },
	{ "Drafts", TREE_DRAFTS }, { "Flagged", TREE_FLAGGED },
	{ "Important", TREE_IMPORTANT }, { "Junk", TREE_JUNK },
	{ "Sent", TREE_SENT }, { "Trash", TREE_TRASH },
};
#define NUSES	(sizeof(uses) / sizeof(uses[0]))

unsigned int
tree_use_named(struct slice word)
{
	size_t	 i;

	for (i = 0; i < NUSES; i++)
		if (slice_is(word, uses[i].word))
			return uses[i].use;
	return 0;
}

const char *
tree_use_name(unsigned int use)
{
	size_t	 i;

	for (i = 0; i < NUSES; i++)
		if (uses[i].use == use)
			return uses[i].word;
	return NULL;
}

/* Take a line apart. */
static unsigned int
special_line(struct slice line, struct slice *dir)
{
	const char	*blank;
	struct slice	 word = line;

	blank = line.len == 0 ? NULL : memchr(line.ptr, ' ', line.len);
	if (blank == NULL)
		return 0;
	word.len = (size_t)(blank - line.ptr);
	dir->ptr = blank + 1;
	dir->len = line.len - word.len - 1;
	return tree_use_named(word);
}

int
special_read(struct account *a, struct special *s)
{
	buf_init(&s->text, TREE_FILE_MAX);
	s->there = io_read_file(a->maildirfd, SPECIAL, &s->text) == 0;
	if (s->there || errno == ENOENT)
		return 0;
	special_free(s);
	return -1;
}

void
special_free(struct special *s)
{
	buf_free(&s->text);
}

unsigned int
special_uses(const struct special *s, const char *dir)
{
	struct slice	 text = buf_slice(&s->text), line, d;
	unsigned int	 all = 0, use;

	while (text_next_line(&text, &line))
		if ((use = special_line(line, &d)) != 0 &&
		    slice_eq(d, slice_str(dir)))
			all |= use;
	return all;
}

bool
special_taken(const struct special *s, unsigned int wanted)
{
	struct slice	 text = buf_slice(&s->text), line, d;

	while (text_next_line(&text, &line))
		if (special_line(line, &d) & wanted)
			return true;
	return false;
}

void
special_set(struct special *s, const char *dir, unsigned int wanted)
{
	struct slice	 text = buf_slice(&s->text), line, d;
	struct buf	 out;
	size_t		 i;

	buf_init(&out, s->text.max + 10000);
	while (text_next_line(&text, &line))
		if (special_line(line, &d) != 0 &&
		    !slice_eq(d, slice_str(dir)))
			buf_addf(&out, "%.*s\n", (int)line.len, line.ptr);
	for (i = 0; i < NUSES; i++)
		if (wanted & uses[i].use)
			buf_addf(&out, "%s %s\n", uses[i].word, dir);
	buf_free(&s->text);
	s->text = out;
}

int
special_write(struct account *a, const struct special *s)
{
	return tree_file_write(a, SPECIAL, buf_slice(&s->text));
}
