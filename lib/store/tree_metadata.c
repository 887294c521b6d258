/*
 * METADATA entries; contract in tree.h.  Lines "/private/comment value", value
 * as text_xencode() has it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/store/tree_parts.h"
#include "lib/store/wake.h"

#define METADATA_MAX	65536		/* octets of a file */

/* Relative to HOME/Maildir. */
static int
file_of(struct account *a, struct slice name, char out[300])
{
	char	 dir[MAILBOX_DIR_MAX + 1];

	if (name.len == 0) {
		snprintf(out, 300, "account-metadata");
		return 0;
	}
	if (tree_dir(name, dir) == -1)
		return -1;
	if (!tree_exists(a, dir)) {
		errno = ENOENT;
		return -1;
	}
	snprintf(out, 300, "%s/metadata", dir);
	return 0;
}

static bool
take(struct slice line, struct slice *entry, struct slice *value)
{
	const char	*blank;

	blank = line.len == 0 ? NULL : memchr(line.ptr, ' ', line.len);
	if (blank == NULL)
		return false;
	entry->ptr = line.ptr;
	entry->len = (size_t)(blank - line.ptr);
	value->ptr = blank + 1;
	value->len = line.len - entry->len - 1;
	return true;
}

int
tree_metadata_list(struct account *a, struct slice name,
    int (*fn)(struct slice entry, struct slice value, void *), void *arg)
{
	struct slice	 rest, line, entry, coded;
	struct buf	 text, value;
	char		 file[300];
	int		 r;

	if (file_of(a, name, file) == -1)
		return -1;
	buf_init(&text, METADATA_MAX);
	buf_init(&value, METADATA_MAX);
	r = tree_file_read(a, file, &text);
	rest = buf_slice(&text);
	while (r == 0 && text_next_line(&rest, &line)) {
		buf_clear(&value);
		if (take(line, &entry, &coded) &&
		    text_xdecode(&value, coded) == 0)
			r = fn(entry, buf_slice(&value), arg);
	}
	buf_free(&value);
	buf_free(&text);
	return r;
}

struct wanted {
	struct slice	 entry;
	struct buf	*value;
};

static int
is_wanted(struct slice entry, struct slice value, void *arg)
{
	struct wanted	*w = arg;

	if (!slice_eq(entry, w->entry))
		return 0;
	return buf_add(w->value, value.ptr, value.len) == -1 ? -1 : 1;
}

int
tree_metadata_get(struct account *a, struct slice name, struct slice entry,
    struct buf *value)
{
	struct wanted	 w = { entry, value };

	return tree_metadata_list(a, name, is_wanted, &w);
}

struct rewrite {
	struct slice	 entry;
	struct buf	 out;
};

static int
add_line(struct buf *out, struct slice entry, struct slice value)
{
	return buf_add(out, entry.ptr, entry.len) == -1 ||
	    buf_addc(out, ' ') == -1 ||
	    text_xencode(out, value, true) == -1 ||
	    buf_addc(out, '\n') == -1 ? -1 : 0;
}

static int
keep_others(struct slice entry, struct slice value, void *arg)
{
	struct rewrite	*w = arg;

	return slice_eq(entry, w->entry) ? 0 :
	    add_line(&w->out, entry, value);
}

/* What would end the line, or the name in it. */
static bool
is_entry(struct slice entry)
{
	size_t	 i;

	for (i = 0; i < entry.len; i++)
		if (entry.ptr[i] == ' ' || text_is_control(entry.ptr[i]) ||
		    (unsigned char)entry.ptr[i] >= 0x80)
			return false;
	return entry.len > 0;
}

int
tree_metadata_set(struct account *a, struct slice name, struct slice entry,
    struct slice value)
{
	struct rewrite	 w = { .entry = entry };
	char		 file[300];
	int		 lock, r;

	if (!is_entry(entry)) {
		errno = EINVAL;
		return -1;
	}
	if (file_of(a, name, file) == -1 || (lock = tree_lock(a)) == -1)
		return -1;
	buf_init(&w.out, METADATA_MAX);
	r = tree_metadata_list(a, name, keep_others, &w);
	if (r == 0 && value.ptr != NULL)
		r = add_line(&w.out, entry, value);
	if (r == 0)
		r = tree_file_write(a, file, buf_slice(&w.out));
	else if (errno == EMSGSIZE)
		errno = ENOSPC;
	buf_free(&w.out);
	io_close(lock);
	if (r == 0)
		wake_send(a->homefd, "*");
	return r;
}
