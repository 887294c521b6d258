/* Contract in tls_memory.h. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "lib/net/tls_memory.h"

#define ROOM	65536	/* octets; a server with one certificate takes 30,000 */
#define ALIGN	16

static _Alignas(4096) unsigned char	room[ROOM];
static size_t				used;
static bool				gathering;

#define LOCK		"threads_pthread.c"

/*
 * The files of OpenSSL whose objects a handshake writes to, as they count their
 * references.  (Of ciphers there are over a hundred, for two.)  A library built
 * without the names works as well, and takes more.
 */
static const char *const	 written[] = {
	"err.c", "err_blocks.c", "ssl_lib.c", "p_lib.c", "tasn_new.c",
	"digest.c", "exchange.c", "kdf_meth.c", "keymgmt_meth.c", "mac_meth.c",
	"signature.c", "drbg.c", "drbg_ctr.c", "cipher_aes.c"
};

/*
 * Locks too, but not those of algorithms, each made right after its owner:
 * where references are counted by atomic operations nobody takes them.
 */
static bool
is_written(const char *file)
{
	static bool	 of_algorithm;
	const char	*name = file != NULL ? strrchr(file, '/') : NULL;
	size_t		 i;

	if (name == NULL)
		return false;
	if (strcmp(name + 1, LOCK) == 0)
		return !of_algorithm;
	of_algorithm = strstr(file, "/evp/") != NULL ||
	    strstr(file, "/encode_decode/") != NULL;
	for (i = 0; i < sizeof(written) / sizeof(written[0]); i++)
		if (strcmp(name + 1, written[i]) == 0)
			return true;
	return false;
}

static bool
is_ours(const void *p)
{
	return (uintptr_t)p >= (uintptr_t)room &&
	    (uintptr_t)p < (uintptr_t)(room + ROOM);
}

static void *
memory_new(size_t size, const char *file, int line)
{
	size_t	 n = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);

	(void)line;
	if (!gathering || !is_written(file) || n > ROOM - used)
		return malloc(size);
	used += n;
	return room + used - n;
}

static void
memory_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	if (!is_ours(p))
		free(p);
}

static void *
memory_resize(void *p, size_t size, const char *file, int line)
{
	void	*fresh;
	size_t	 most;

	if (!is_ours(p))
		return realloc(p, size);
	/* How long it was is not noted: at most up to the end. */
	most = (size_t)(room + ROOM - (unsigned char *)p);
	if ((fresh = memory_new(size, file, line)) != NULL)
		memmove(fresh, p, size < most ? size : most);
	return fresh;
}

void
tls_memory_gather(void)
{
	gathering = CRYPTO_set_mem_functions(memory_new, memory_resize,
	    memory_free) == 1 || used > 0;
}

void
tls_memory_gathered(void)
{
	gathering = false;
}
