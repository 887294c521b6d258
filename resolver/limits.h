/* How much of the process's descriptors is for what. */
#ifndef RESOLVER_LIMITS_H
#define RESOLVER_LIMITS_H

/* Raise the limit of descriptors as far as is useful and permitted. */
void		 limits_raise(void);
/* UDP questions to upstream at once, each on a socket of its own. */
unsigned int	 limits_sockets(void);
/* Connections of askers. */
unsigned int	 limits_clients(void);

#endif
