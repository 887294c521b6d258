/* Contract in stream_deflate.h.  Owns zlib: nobody else sees it. */
#include <errno.h>
#include <stdlib.h>

#include <zlib.h>

#include "lib/base/xmalloc.h"
#include "lib/net/stream.h"
#include "lib/net/stream_deflate.h"

#define CHUNK		8192		/* compressed at a time */
#define OUT		(2 * CHUNK)	/* what it becomes at worst, and more */
#define IN		4096
/* Raw, no zlib header (RFC 4978 3); 8 KiB to look back at are plenty. */
#define OUT_WINDOW	(-13)
#define OUT_MEMORY	6
#define IN_WINDOW	(-15)

struct deflate {
	struct stream	*s;
	/* the transport below */
	ssize_t		(*read)(struct stream *, void *, size_t);
	ssize_t		(*write)(struct stream *, const void *, size_t);
	bool		(*pending)(struct stream *);
	void		*ctx;

	z_stream	 in, out;
	bool		 out_ready;	/* out is initialized */
	bool		 more;		/* inflate() had no room for all */
	bool		 ended;		/* the peer's last block was seen */
	unsigned char	*packed;	/* OUT octets, with out */
	size_t		 packed_pos, packed_len;
	size_t		 held;		/* octets that became packed */
	unsigned char	 raw[IN];
};

/* The functions below know the stream by its ctx. */
static ssize_t
deflate_below_read(struct deflate *d, void *data, size_t len)
{
	ssize_t	 n;

	d->s->ctx = d->ctx;
	n = d->read(d->s, data, len);
	d->s->ctx = d;
	return n;
}

static ssize_t
deflate_below_write(struct deflate *d, const void *data, size_t len)
{
	ssize_t	 n;

	d->s->ctx = d->ctx;
	n = d->write(d->s, data, len);
	d->s->ctx = d;
	return n;
}

static bool
deflate_below_pending(struct deflate *d)
{
	bool	 yes;

	if (d->pending == NULL)
		return false;
	d->s->ctx = d->ctx;
	yes = d->pending(d->s);
	d->s->ctx = d;
	return yes;
}

/* Octets made of what is there, 0 when more is needed, -1. */
static ssize_t
deflate_inflate(struct deflate *d, void *data, size_t len)
{
	int	 rc;

	if (len > IN * 16)
		len = IN * 16;
	d->in.next_out = data;
	d->in.avail_out = (uInt)len;
	rc = inflate(&d->in, Z_SYNC_FLUSH);
	if (rc == Z_STREAM_END)
		d->ended = true;
	else if (rc != Z_OK && rc != Z_BUF_ERROR) {
		errno = EBADMSG;
		return -1;
	}
	d->more = d->in.avail_out == 0;
	return (ssize_t)(len - d->in.avail_out);
}

/*
 * No read from below when something is here, nor a second one that might
 * wait: the stream has its deadline to keep.
 */
static ssize_t
deflate_read(struct stream *s, void *data, size_t len)
{
	struct deflate	*d = s->ctx;
	ssize_t		 n;

	if (d->ended)
		return 0;
	do {
		if (!d->more && d->in.avail_in == 0) {
			n = deflate_below_read(d, d->raw, IN);
			if (n <= 0)
				return n;
			d->in.next_in = d->raw;
			d->in.avail_in = (uInt)n;
		}
		n = deflate_inflate(d, data, len);
		if (n != 0 || d->ended)
			return n;
	} while (deflate_below_pending(d));
	errno = EAGAIN;
	return -1;
}

static bool
deflate_pending(struct stream *s)
{
	struct deflate	*d = s->ctx;

	return d->ended || d->more || d->in.avail_in > 0 ||
	    deflate_below_pending(d);
}

static int
deflate_prepare(struct deflate *d)
{
	if (d->out_ready)
		return 0;
	d->out = (z_stream){ .zalloc = Z_NULL };
	if (deflateInit2(&d->out, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
	    OUT_WINDOW, OUT_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) {
		errno = ENOMEM;
		return -1;
	}
	d->packed = xmalloc(OUT);
	d->out_ready = true;
	return 0;
}

static int
deflate_pack(struct deflate *d, const void *data, size_t len)
{
	if (deflate_prepare(d) == -1)
		return -1;
	d->out.next_in = (z_const Bytef *)(uintptr_t)data;
	d->out.avail_in = (uInt)len;
	d->out.next_out = d->packed;
	d->out.avail_out = OUT;
	if (deflate(&d->out, Z_SYNC_FLUSH) != Z_OK || d->out.avail_out == 0) {
		errno = EIO;
		return -1;
	}
	d->packed_pos = 0;
	d->packed_len = OUT - d->out.avail_out;
	d->held = len;
	return 0;
}

/*
 * Octets count as written once all that they became is: until then the
 * stream comes again with the same ones.
 */
static ssize_t
deflate_write(struct stream *s, const void *data, size_t len)
{
	struct deflate	*d = s->ctx;
	ssize_t		 n;

	if (d->held == 0 &&
	    deflate_pack(d, data, len < CHUNK ? len : CHUNK) == -1)
		return -1;
	while (d->packed_pos < d->packed_len) {
		n = deflate_below_write(d, d->packed + d->packed_pos,
		    d->packed_len - d->packed_pos);
		if (n == -1)
			return -1;
		d->packed_pos += (size_t)n;
	}
	n = (ssize_t)d->held;
	d->held = 0;
	return n;
}

struct deflate *
deflate_start(struct stream *s)
{
	struct deflate	*d = xcalloc(1, sizeof(*d));

	if (inflateInit2(&d->in, IN_WINDOW) != Z_OK) {
		free(d);
		errno = ENOMEM;
		return NULL;
	}
	d->s = s;
	d->read = s->read;
	d->write = s->write;
	d->pending = s->pending;
	d->ctx = s->ctx;
	s->read = deflate_read;
	s->blocks = false;	/* it may read more than once */
	s->write = deflate_write;
	s->pending = deflate_pending;
	s->ctx = d;
	return d;
}

/*
 * All that was written ended with a flush, on an octet's boundary: what a new
 * state writes goes on from there and only refers to nothing before.
 */
void
deflate_rest(struct deflate *d)
{
	if (!d->out_ready || d->held != 0)
		return;
	deflateEnd(&d->out);
	free(d->packed);
	d->packed = NULL;
	d->out_ready = false;
}

void
deflate_free(struct deflate *d)
{
	if (d == NULL)
		return;
	d->s->read = d->read;
	d->s->write = d->write;
	d->s->pending = d->pending;
	d->s->ctx = d->ctx;
	if (d->out_ready)
		deflateEnd(&d->out);
	free(d->packed);
	inflateEnd(&d->in);
	free(d);
}
