"""A province on loopback: a real responder for every target of an inventory, and faults with ground truth.

    inventory ──► endpoints ──► responders          real sockets on 127.0.0.0/8, one a transport and port
    command   ──► selection ──► faults ──► effects ──► enforcement     nftables (root) or the sockets themselves
    (control, timeline)             └──► records    what was wrong with which target, from when to when

A fault is enforced where a line would break, between looker and responder: what is cut is silent, not refused.
What a way of enforcing cannot reach is named as *unenforced*, target by target, so that ground truth stays true:

=================== ======================================= ==============================================
fault               nftables (root)                         sockets (no root)
=================== ======================================= ==============================================
cut ICMP            echo requests dropped                   unenforced: the kernel answers
cut TCP, HTTP       SYN dropped                             SYN dropped by a listener whose queue is full
cut SIP             datagrams dropped                       datagrams dropped by the socket's filter
loss                any packet, at random                   by filter; TCP where the kernel allows it; no ICMP
slow ICMP           answered late from a raw socket         unenforced
slow TCP            unenforced: the handshake is the kernel's, here as there
slow HTTP, SIP      the responder answers late              the same
=================== ======================================= ==============================================

(There is no ``netem`` everywhere, so a delay has to be made by whoever answers.)
"""
