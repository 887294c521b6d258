/*
 * Sets of numbers from 1 to UINT32_MAX, as ascending ranges: UIDs, sequence
 * numbers, sequence sets (RFC 9051 9, sequence-set).  A mailbox whose UIDs
 * have few gaps takes a few octets, whatever its size.
 */
#ifndef MAIL_NUMBER_SET_H
#define MAIL_NUMBER_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"

struct number_range {
	uint32_t	 first, last;	/* first <= last */
	uint32_t	 before;	/* numbers in the ranges before this */
};

/* Ranges ascend and neither overlap nor touch.  All zero: empty. */
struct number_set {
	struct number_range	*range;
	size_t			 n;
	size_t			 room;
};

void	 number_set_free(struct number_set *);
void	 number_set_clear(struct number_set *);
void	 number_set_copy(struct number_set *to, const struct number_set *from);

/* Appending above the last one is fast, elsewhere it moves ranges. */
void	 number_set_add(struct number_set *, uint32_t first, uint32_t last);
void	 number_set_remove(struct number_set *, uint32_t first, uint32_t last);
/* In time of both sets' ranges. */
void	 number_set_add_set(struct number_set *, const struct number_set *);
void	 number_set_remove_set(struct number_set *, const struct number_set *);
void	 number_set_intersect(struct number_set *, const struct number_set *);

uint32_t number_set_count(const struct number_set *);
bool	 number_set_has(const struct number_set *, uint32_t);
/*
 * In a set that is a mailbox's UIDs, sequence number to UID and back.
 * number_set_at(s, 1) is the smallest; 0 when there is none.
 * number_set_position() is the number's place from 1 on; 0 when it is not in.
 */
uint32_t number_set_at(const struct number_set *, uint32_t position);
uint32_t number_set_position(const struct number_set *, uint32_t);
/* The numbers at the positions that are in where, and back. */
void	 number_set_at_set(const struct number_set *,
	    const struct number_set *where, struct number_set *out);
void	 number_set_positions(const struct number_set *,
	    const struct number_set *numbers, struct number_set *out);
/* The smallest number >= from; 0 when there is none.  For loops. */
uint32_t number_set_next(const struct number_set *, uint32_t from);

/*
 * Parse a sequence-set without "$", in any order, "*" being largest (0: of an
 * empty mailbox: then "*" stands for nothing).  Ranges may be backwards.
 * 0, or -1 with errno EINVAL, or EMSGSIZE for more than max ranges, and *out
 * empty.
 */
int	 number_set_parse(struct slice text, uint32_t largest, size_t max,
	    struct number_set *out);
/* Append "1:5,7"; nothing for the empty set.  0, or -1 with errno EMSGSIZE. */
int	 number_set_format(const struct number_set *, struct buf *out);

#endif
