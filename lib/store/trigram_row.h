/*
 * The pure part of trigram.h: signatures of stretches of text.
 *
 * A row is a Bloom filter of TRIGRAM_BITS bits of all groups of three and of
 * four octets in a stretch of a letter's text.  A stretch ends when its row is
 * full enough, and the next one begins TRIGRAM_WINDOW octets before, so that
 * whatever stands in TRIGRAM_WINDOW octets of the text stands in one of them.
 */
#ifndef STORE_TRIGRAM_ROW_H
#define STORE_TRIGRAM_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"

#define TRIGRAM_BITS	4096
#define TRIGRAM_WORDS	(TRIGRAM_BITS / 64)
#define TRIGRAM_WINDOW	48
#define TRIGRAM_FULL	1200	/* bits set: three in ten */
#define TRIGRAM_PROBES	24	/* bits looked at for a needle, at most */

/* Also how the rows lie in the file (native octet order). */
struct trigram_row {
	uint64_t	 bits[TRIGRAM_WORDS];
	uint32_t	 uid;
	uint32_t	 zero;
	uint64_t	 sum;
};

/* Text on its way into rows. */
struct trigram_writer {
	struct trigram_row	*row;
	unsigned int		 set;		/* bits of it */
	uint32_t		 last;		/* up to four octets */
	unsigned int		 nlast;
	unsigned char		 recent[TRIGRAM_WINDOW];	/* a ring */
	unsigned int		 nrecent;	/* octets ever, since a break */
};

/* Begin a row; what went into the one before goes on in it. */
void	 trigram_writer_row(struct trigram_writer *, struct trigram_row *);
/* Text that what came before does not run into. */
void	 trigram_writer_break(struct trigram_writer *);
/* Take octets until the row is full; the number taken. */
size_t	 trigram_writer_add(struct trigram_writer *, const char *, size_t);

/*
 * The bits that every row has whose text holds the needle, most telling first.
 * 0: it is too short to tell.
 */
size_t	 trigram_probes(struct slice needle,
	    uint16_t probes[TRIGRAM_PROBES]);
/* Does it have them all? */
bool	 trigram_row_has(const struct trigram_row *, const uint16_t *probes,
	    size_t n);

/* A checksum against what disks and crashes do, not against people. */
uint64_t trigram_sum(uint64_t seed, const uint64_t *words, size_t n);
/* Bit j of word i becomes bit i of word j. */
void	 trigram_transpose(uint64_t m[64]);

#endif
