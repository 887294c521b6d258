/* Contract in trigram_row.h. */
#include <string.h>

#include "lib/store/trigram_row.h"

/* Odd numbers without a pattern: the upper bits of the product are spread. */
static unsigned int
hash3(uint32_t octets)
{
	return ((octets & 0xffffff) * 0x9e3779b1u) >> 20;
}

static unsigned int
hash4(uint32_t octets)
{
	return ((octets ^ octets >> 15) * 0x85ebca6bu) >> 20;
}

static void
set_bit(struct trigram_writer *w, unsigned int bit)
{
	uint64_t	*word = &w->row->bits[bit >> 6], mask;

	mask = (uint64_t)1 << (bit & 63);
	w->set += (*word & mask) == 0;
	*word |= mask;
}

static void
put(struct trigram_writer *w, unsigned char c)
{
	w->last = w->last << 8 | c;
	if (w->nlast < 4)
		w->nlast++;
	if (w->nlast >= 3)
		set_bit(w, hash3(w->last));
	if (w->nlast == 4)
		set_bit(w, hash4(w->last));
}

void
trigram_writer_row(struct trigram_writer *w, struct trigram_row *row)
{
	unsigned int	 i, n;

	memset(row, 0, sizeof(*row));
	w->row = row;
	w->set = 0;
	w->nlast = 0;
	n = w->nrecent < TRIGRAM_WINDOW ? w->nrecent : TRIGRAM_WINDOW;
	for (i = w->nrecent - n; i != w->nrecent; i++)
		put(w, w->recent[i % TRIGRAM_WINDOW]);
}

void
trigram_writer_break(struct trigram_writer *w)
{
	w->nlast = 0;
	w->nrecent = 0;
}

/* The ring's place is kept small, so that it never overflows. */
static void
remember(struct trigram_writer *w, const char *p, size_t n)
{
	size_t	 i = n > TRIGRAM_WINDOW ? n - TRIGRAM_WINDOW : 0;

	for (; i < n; i++) {
		w->recent[w->nrecent % TRIGRAM_WINDOW] = (unsigned char)p[i];
		if (++w->nrecent == 2 * TRIGRAM_WINDOW)
			w->nrecent = TRIGRAM_WINDOW;
	}
}

size_t
trigram_writer_add(struct trigram_writer *w, const char *p, size_t n)
{
	size_t	 i;

	for (i = 0; i < n && w->set < TRIGRAM_FULL; i++)
		put(w, (unsigned char)p[i]);
	remember(w, p, i);
	return i;
}

static size_t
add_probe(uint16_t *probes, size_t n, unsigned int bit)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		if (probes[i] == bit)
			return n;
	if (n < TRIGRAM_PROBES)
		probes[n++] = (uint16_t)bit;
	return n;
}

/*
 * Groups of four are rarer than those of three.  Neighbours say nearly the same,
 * so every second of them comes first.
 */
size_t
trigram_probes(struct slice needle, uint16_t probes[TRIGRAM_PROBES])
{
	uint32_t	 octets[TRIGRAM_WINDOW];
	uint32_t	 last = 0;
	size_t		 i, n = 0, len, first;

	len = needle.len < TRIGRAM_WINDOW ? needle.len : TRIGRAM_WINDOW;
	for (i = 0; i < len; i++) {
		last = last << 8 | (unsigned char)needle.ptr[i];
		octets[i] = last;
	}
	for (first = 3; first < 5; first++)
		for (i = first; i < len; i += 2)
			n = add_probe(probes, n, hash4(octets[i]));
	for (i = 2; i < len; i++)
		n = add_probe(probes, n, hash3(octets[i]));
	return n;
}

bool
trigram_row_has(const struct trigram_row *row, const uint16_t *probes,
    size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		if ((row->bits[probes[i] >> 6] >> (probes[i] & 63) & 1) == 0)
			return false;
	return true;
}

uint64_t
trigram_sum(uint64_t seed, const uint64_t *words, size_t n)
{
	const uint64_t	 k = 0x9e3779b97f4a7c15u;
	uint64_t	 a = seed ^ k, b = seed + k;
	size_t		 i;

	/* Two at a time: they need not wait for each other. */
	for (i = 0; i + 1 < n; i += 2) {
		a = (a ^ words[i]) * k;
		a ^= a >> 29;
		b = (b ^ words[i + 1]) * k;
		b ^= b >> 31;
	}
	if (i < n)
		a = (a ^ words[i]) * k;
	a = (a ^ (b << 23 | b >> 41) ^ n) * k;
	return a ^ a >> 32;
}

void
trigram_transpose(uint64_t m[64])
{
	uint64_t	 mask = 0x00000000ffffffffu, t;
	unsigned int	 j, k;

	for (j = 32; j != 0; j >>= 1, mask ^= mask << j) {
		for (k = 0; k < 64; k = ((k | j) + 1) & ~j) {
			t = ((m[k] >> j) ^ m[k | j]) & mask;
			m[k] ^= t << j;
			m[k | j] ^= t;
		}
	}
}
