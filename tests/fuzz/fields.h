/*
 * The packet that the targets of lib/net/proto_* take apart: the first line of
 * a verb, and the fuzzer's octets as its fields.
 */
#ifndef TESTS_FUZZ_FIELDS_H
#define TESTS_FUZZ_FIELDS_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/ipc.h"

static struct ipc_msg	 m;

/* False for what ipc_recv() never lets through. */
static inline bool
fields_begin(const char *verb, const uint8_t *data, size_t size)
{
	ipc_start(&m, verb, 1);
	m.pos = m.len;
	if (size > IPC_MAX - m.len || memchr(data, '\0', size) != NULL)
		return false;
	memcpy(m.data + m.len, data, size);
	m.len += size;
	m.data[m.len] = '\0';
	return true;
}

/* The encoder's packet as the decoder meets it: behind its first line. */
static inline void
fields_again(void)
{
	assert(!m.bad);
	m.pos = (size_t)((char *)memchr(m.data, '\n', m.len) - m.data) + 1;
}

#endif
