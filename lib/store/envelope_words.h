/* Words of an envelope's keys, for its two halves: private to them. */
#ifndef STORE_ENVELOPE_WORDS_H
#define STORE_ENVELOPE_WORDS_H

#include <stdint.h>

#define ENVELOPE_ARRIVED_MAX	(INT64_C(1) << 35)	/* seconds */

struct envelope_word {
	const char	*name;
	int		 bit;
};

/* Each ends with a NULL name. */
extern const struct envelope_word	 envelope_flag_words[];
extern const struct envelope_word	 envelope_notify_words[];

#endif
