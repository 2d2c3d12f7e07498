// The peer of the push process: npm faye, as its documentation starts it, on a port of this machine.
import http from "node:http";
import faye from "faye";

const server = http.createServer();
new faye.NodeAdapter({ mount: "/faye", timeout: 30 }).attach(server);
server.keepAliveTimeout = 120000;
server.listen(Number(process.argv[2]), "127.0.0.1");
