/*
 * A stored message as POP3 sends it (RFC 1939 3): LF becomes CRLF, a line
 * that begins with a dot gets another, a missing last line end is
 * completed.  Pieces may be cut at any octet.  No I/O.
 */
#ifndef POP3_SESSION_WIRE_H
#define POP3_SESSION_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire {
	bool		 begun;		/* the current line has an octet */
	bool		 text;		/* ... and is more than one CR */
	bool		 cr;		/* the last octet was CR */
	bool		 body;		/* the empty line is behind us */
	bool		 done;		/* TOP has all its lines */
	uint64_t	 left;		/* body lines still wanted */
	uint64_t	 dots;		/* added so far */
};

#define WIRE_ALL	UINT64_MAX
#define WIRE_END_MAX	5		/* "\r\n.\r\n" */

/* Room that wire_put() needs for len octets. */
#define WIRE_ROOM(len)	(2 * (len) + 2)

/* lines of the body are sent after the header (TOP), or WIRE_ALL (RETR). */
void	 wire_init(struct wire *, uint64_t lines);
/*
 * Convert len octets to out (WIRE_ROOM(len) octets).  How many were
 * written.  Nothing once w->done.
 */
size_t	 wire_put(struct wire *, const char *in, size_t len, char *out);
/* Complete the last line and end with the lone dot; at most WIRE_END_MAX. */
size_t	 wire_end(struct wire *, char *out);

/* A message's size on the wire, dots of ours and the last one apart. */
struct wire_size {
	uint64_t	 octets;
	char		 last;		/* octet, LF at the beginning */
};
void	 wire_size_init(struct wire_size *);
void	 wire_size_add(struct wire_size *, const char *in, size_t len);
/* The whole; what wire_put() and wire_end() write without stuffing. */
uint64_t wire_size_end(const struct wire_size *);

#endif
