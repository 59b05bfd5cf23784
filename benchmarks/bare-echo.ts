import { createSocket } from 'node:dgram'

/** Sends every datagram back as it came: what UDP costs in Node. */
const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 })
socket.on('message', (message, { port, address }) => socket.send(message, port, address))
socket.bind(0, '127.0.0.1', () => process.stdout.write(`ready ${socket.address().port}\n`))
