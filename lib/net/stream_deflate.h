/*
 * DEFLATE (RFC 1951) between a stream and its transport, both ways, as IMAP's
 * COMPRESS wants it (RFC 4978).  What is flushed arrives whole.
 *
 * Memory is bounded whatever comes: some 20 KiB, and while octets go out 70
 * KiB more, and 32 KiB for a peer that refers far back.  What little a peer
 * sends may become a thousand times as much: limits on lines hold, as they
 * are applied to what comes out of here.
 */
#ifndef NET_STREAM_DEFLATE_H
#define NET_STREAM_DEFLATE_H

struct deflate;
struct stream;

/*
 * From now on.  The stream must have been flushed and hold nothing read ahead.
 * NULL with errno ENOMEM.
 */
struct deflate	*deflate_start(struct stream *);
/* Give back what is needed only while octets go out.  Call it when flushed. */
void		 deflate_rest(struct deflate *);
/* The stream is plain again; NULL is fine. */
void		 deflate_free(struct deflate *);

#endif
