/* Contract in fetch_file.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imap-session/fetch_file.h"
#include "imap-session/wire.h"
#include "lib/base/io.h"
#include "lib/base/xmalloc.h"

#define PIECE	FETCH_FILE_PIECE

void
fetch_file_init(struct fetch_file *f)
{
	memset(f, 0, sizeof(*f));
	f->fd = -1;
	f->part = MIME_NONE;
	mime_init(&f->mime);
	buf_init(&f->data, FETCH_FILE_SMALL);
	/* A small one, all of it LF, and the decoder's way with lines. */
	buf_init(&f->wire, 4 * FETCH_FILE_SMALL + PART_TEXT_MOST);
}

static void
forget(struct fetch_file *f)
{
	io_close(f->fd);
	f->fd = -1;
	f->validity = f->uid = 0;
	f->parsed = false;
	f->part = MIME_NONE;
	free(f->added);
	f->added = NULL;
	f->nadded = 0;
}

void
fetch_file_free(struct fetch_file *f)
{
	forget(f);
	mime_free(&f->mime);
	buf_free(&f->data);
	buf_free(&f->wire);
	fetch_file_init(f);
}

bool
fetch_file_is_small(const struct fetch_file *f)
{
	return f->fd == -1;
}

/* At most len octets from offset on, in f->data. */
static int
load(struct fetch_file *f, int fd, size_t len, uint64_t offset)
{
	buf_clear(&f->data);
	return io_pread_buf(fd, &f->data, len, (off_t)offset);
}

/* As load() from the start; one call when there is as much as expected. */
static int
load_first(struct fetch_file *f, int fd, uint64_t expected)
{
	ssize_t	 n;
	char	*p;

	buf_clear(&f->data);
	if ((p = buf_reserve(&f->data, FETCH_FILE_SMALL)) == NULL)
		return -1;
	n = pread(fd, p, FETCH_FILE_SMALL, 0);
	if (n < 0 || n == FETCH_FILE_SMALL || (uint64_t)n != expected)
		return load(f, fd, FETCH_FILE_SMALL, 0);
	f->data.len = (size_t)n;
	p[n] = '\0';
	return 0;
}

int
fetch_file_open(struct fetch_file *f, struct folder *folder,
    uint32_t validity, uint32_t uid, uint64_t size)
{
	int	 fd, rc;

	if (f->uid == uid && f->validity == validity)
		return 0;
	forget(f);
	if ((fd = folder_file(folder, uid)) == -1)
		return -1;
	if ((rc = load_first(f, fd, size)) == 0) {
		f->size = f->data.len;
		if (f->data.len == FETCH_FILE_SMALL) {
			f->fd = fd;
			fd = -1;
		}
		f->validity = validity;
		f->uid = uid;
	}
	io_close(fd);
	return rc;
}

void
fetch_file_close(struct fetch_file *f)
{
	if (f->fd == -1) {
		fetch_file_free(f);
		return;
	}
	buf_free(&f->data);
	buf_free(&f->wire);
	free(f->mime.window);
	f->mime.window = NULL;
}

int
fetch_file_parse(struct fetch_file *f)
{
	if (f->parsed)
		return 0;
	if (fetch_file_is_small(f))
		mime_parse_slice(&f->mime, buf_slice(&f->data));
	else if (mime_parse_file(&f->mime, f->fd) == -1)
		return -1;
	f->parsed = true;
	return 0;
}

/* Look through a large file once. */
static int
map(struct fetch_file *f)
{
	uint64_t	 at = 0, added = 0;
	size_t		 room = 64, n = 0;
	bool		 cr = false;

	if (f->added != NULL)
		return 0;
	f->added = xreallocarray(NULL, room, sizeof(*f->added));
	for (;;) {
		if (n + 2 > room) {
			room *= 2;
			f->added = xreallocarray(f->added, room,
			    sizeof(*f->added));
		}
		f->added[n++] = added;
		if (load(f, f->fd, PIECE, at) == -1)
			goto fail;
		if (f->data.len == 0)
			break;
		added += wire_added(buf_slice(&f->data), cr);
		cr = f->data.ptr[f->data.len - 1] == '\r';
		at += f->data.len;
		if (f->data.len < PIECE) {
			f->added[n++] = added;
			break;
		}
	}
	f->nadded = n;
	f->size = at;
	return 0;
fail:
	free(f->added);
	f->added = NULL;
	return -1;
}

int
fetch_file_wire(struct fetch_file *f, uint64_t *wire)
{
	if (fetch_file_is_small(f)) {
		*wire = f->size + wire_added(buf_slice(&f->data), false);
		return 0;
	}
	if (map(f) == -1)
		return -1;
	*wire = f->size + f->added[f->nadded - 1];
	return 0;
}

/* Where, in octets of the wire from the file's start, is this line? */
static int
wire_of(struct fetch_file *f, uint64_t offset, uint64_t *wire)
{
	size_t	 i = (size_t)(offset / PIECE), rest = (size_t)(offset % PIECE);
	bool	 cr = false;
	char	*p;

	*wire = offset + f->added[i];
	if (rest == 0)
		return 0;
	/* With the octet in front, to know of a CR. */
	if (load(f, f->fd, rest + (i > 0), i * PIECE - (i > 0)) == -1)
		return -1;
	p = f->data.ptr;
	if (i > 0 && f->data.len > 0) {
		cr = *p == '\r';
		*wire += wire_added((struct slice){ p + 1, f->data.len - 1 },
		    cr);
	} else {
		*wire += wire_added(buf_slice(&f->data), false);
	}
	return 0;
}

/* The piece where this octet of the wire is. */
static size_t
piece_of(const struct fetch_file *f, uint64_t wire)
{
	size_t	 low = 0, high = f->nadded - 1, mid;

	while (low < high) {
		mid = (low + high + 1) / 2;
		if (mid * PIECE + f->added[mid] <= wire)
			low = mid;
		else
			high = mid - 1;
	}
	return low;
}

/* Give a slice in wire form, without its first octets, at most *len. */
static int
give(struct fetch_file *f, struct slice s, bool cr, uint64_t *skip,
    uint64_t *len, fetch_sink sink, void *ctx)
{
	size_t	 n;
	char	*p, *nul;

	buf_clear(&f->wire);
	if (wire_add(&f->wire, s, cr) == -1)
		return -1;
	if (*skip >= f->wire.len) {
		*skip -= f->wire.len;
		return 0;
	}
	p = f->wire.ptr + *skip;
	n = f->wire.len - (size_t)*skip;
	if (n > *len)
		n = (size_t)*len;
	*skip = 0;
	*len -= n;
	/* A literal has no NULs (RFC 9051 4.3). */
	while ((nul = memchr(p, '\0', n)) != NULL)
		*nul = '?';
	return sink(ctx, p, n);
}

/* From a piece of a large file on. */
static int
send_large(struct fetch_file *f, uint64_t wire, uint64_t len,
    fetch_sink sink, void *ctx)
{
	size_t		 i = piece_of(f, wire);
	uint64_t	 skip = wire - i * PIECE - f->added[i];
	uint64_t	 at = i * PIECE;
	bool		 cr = false;
	char		 last;

	if (at > 0) {
		if (io_pread_full(f->fd, &last, 1, (off_t)at - 1) != 1)
			return -1;
		cr = last == '\r';
	}
	while (len > 0) {
		if (load(f, f->fd, PIECE, at) == -1)
			return -1;
		if (f->data.len == 0) {
			errno = EIO;
			return -1;
		}
		at += f->data.len;
		if (give(f, buf_slice(&f->data), cr, &skip, &len, sink,
		    ctx) == -1)
			return -1;
		cr = f->data.ptr[f->data.len - 1] == '\r';
	}
	return 0;
}

int
fetch_file_send(struct fetch_file *f, const struct mime_span *span,
    uint64_t first, uint64_t len, fetch_sink sink, void *ctx)
{
	struct slice	 s;
	uint64_t	 wire;

	if (len == 0)
		return 0;
	if (!fetch_file_is_small(f)) {
		if (map(f) == -1 || wire_of(f, span->offset, &wire) == -1)
			return -1;
		return send_large(f, wire + first, len, sink, ctx);
	}
	s.ptr = f->data.ptr + span->offset;
	s.len = (size_t)span->len;
	if (give(f, s, false, &first, &len, sink, ctx) == -1)
		return -1;
	if (len > 0) {
		errno = EIO;
		return -1;
	}
	return 0;
}
