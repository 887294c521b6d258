/*
 * Where OpenSSL's objects lie.  A process that serves connections is a fork of
 * one that has loaded and fetched everything, and each page that it writes to
 * is a copy of its own.  OpenSSL writes to few of its hundreds of objects, to
 * their locks and counts of references; strewn among names and tables, which
 * make up most of the heap, they cost a page each.
 */
#ifndef NET_TLS_MEMORY_H
#define NET_TLS_MEMORY_H

/*
 * From now on, until tls_memory_gathered(), what OpenSSL makes and will write
 * to is kept together.  Before it has allocated anything: else nothing changes.
 * What was gathered is not given back.
 */
void	 tls_memory_gather(void);
/* The forks come now: what they make lies with what else they make. */
void	 tls_memory_gathered(void);

#endif
