/*
 * Questions to keyd, at RUN/keyd/keyd.sock: encode and decode beside each
 * other, one struct a message, and a blocking client.  Fields in
 * doc/protocols.md.
 *
 *	sign     key scheme digest	a TLS signature with a private key
 *	ticket   name			the key of session tickets of that name,
 *					or, without a name, the one for new ones
 *	reload				look at the files now
 *
 * Who may ask: smtpd pop3d imapd sign and ticket; admins reload.
 */
#ifndef NET_PROTO_KEY_H
#define NET_PROTO_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ipc.h"
#include "lib/base/ipc_link.h"

#define KEY_ID_MAX		64	/* hex, see tls_key_id() */
#define KEY_DIGEST_MAX		64
#define KEY_SIGNATURE_MAX	1024	/* RSA of 8192 bits */
#define KEY_REACH_MS		3000	/* for a keyd that is restarted, */
#define KEY_PATIENCE_MS		10000	/* and in a handshake that ends without */
#define KEY_TIMEOUT_MS		10000	/* a client's patience */

/*
 * What TLS 1.2 and 1.3 sign with; never a raw block, so keyd is no
 * decryption oracle.
 */
enum key_scheme {
	KEY_RSA_PKCS1,		/* TLS 1.2 only */
	KEY_RSA_PSS,		/* salt as long as the digest */
	KEY_ECDSA
};

struct key_sign {
	char			 key[KEY_ID_MAX + 1];
	enum key_scheme		 scheme;
	char			 digest[16];	/* "sha256" sha384 sha512 */
	unsigned char		 data[KEY_DIGEST_MAX];	/* the digest */
	size_t			 len;
};

struct key_signature {
	bool			 ok;	/* false: no such key, or unfit */
	unsigned char		 data[KEY_SIGNATURE_MAX];
	size_t			 len;
};

#define KEY_TICKET_NAME		16
#define KEY_TICKET_AES		32
#define KEY_TICKET_HMAC		32
#define KEY_TICKET_LIFE_MAX	3600	/* seconds */

struct key_ticket {
	bool			 known;	/* false: older than it may be, or not
					 * keyd's */
	unsigned char		 name[KEY_TICKET_NAME];
	unsigned char		 aes[KEY_TICKET_AES];
	unsigned char		 hmac[KEY_TICKET_HMAC];
	unsigned int		 fresh;	/* seconds that it may be used for new
					 * tickets, 0: only to read old ones */
	unsigned int		 left;	/* seconds that it is good at all */
};

/*
 * Encoders begin the packet; decoders return 0, or -1 with errno EBADMSG.
 * Ticket keys are wiped by whoever has held them, packets too.
 */
void	 proto_key_put_sign(struct ipc_msg *, uint64_t id,
	    const struct key_sign *);
int	 proto_key_get_sign(struct ipc_msg *, struct key_sign *);
void	 proto_key_put_signed(struct ipc_msg *, uint64_t id,
	    const struct key_signature *);
int	 proto_key_get_signed(struct ipc_msg *, struct key_signature *);
/* name NULL: the one for new tickets. */
void	 proto_key_put_ticket(struct ipc_msg *, uint64_t id,
	    const unsigned char name[KEY_TICKET_NAME]);
int	 proto_key_get_ticket(struct ipc_msg *, bool *named,
	    unsigned char name[KEY_TICKET_NAME]);
void	 proto_key_put_ticket_key(struct ipc_msg *, uint64_t id,
	    const struct key_ticket *);
int	 proto_key_get_ticket_key(struct ipc_msg *, struct key_ticket *);
void	 proto_key_put_reload(struct ipc_msg *, uint64_t id);
/* The answer to reload is proto_fields.h's proto_put_done(). */

/*
 * Connects when needed, and again, once, when keyd went away.  A signature is
 * worth waiting for: KEY_PATIENCE_MS for a keyd that is not there, or there
 * no more; for a ticket's key nobody waits.
 */
struct key_client {
	struct ipc_link	 link;		/* RUN/keyd/keyd.sock */
	uint64_t	 ahead;		/* of a ticket's question, or 0 */
};
void	 key_client_init(struct key_client *, const char *path);
void	 key_client_close(struct key_client *);
/*
 * Is keyd there to be asked, or within KEY_REACH_MS?  Within a second after it
 * signed for this process, nobody looks again.  False with errno.  Look before promising a handshake that only a closed connection could end.
 */
bool	 key_client_reachable(const char *path);
/* 0, or -1 with errno: keyd cannot be asked now. */
int	 key_client_sign(struct key_client *, const struct key_sign *,
	    struct key_signature *);
/*
 * The same, and behind it, without waiting, the question for the key of new
 * tickets: the next key_client_ticket() for it finds the answer there.
 */
int	 key_client_sign_ahead(struct key_client *, const struct key_sign *,
	    struct key_signature *);
int	 key_client_ticket(struct key_client *,
	    const unsigned char name[KEY_TICKET_NAME], struct key_ticket *);
int	 key_client_reload(struct key_client *, bool *ok, char *error,
	    size_t size);

#endif
